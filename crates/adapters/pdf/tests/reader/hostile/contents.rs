//! Contents of pages that multiply, refer to themselves or never end.

use super::Outcome::{Answered, Limited, Reads};
use super::random::Random;
use super::{CATALOG, FONT, PAGES, TEXT, check, objects, page};
use crate::support::{read, stream};

const X0: &str = "/XObject<</X0 6 0 R>>";

fn form(entries: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    stream(&format!("/Type/XObject/Subtype/Form/BBox[0 0 999 999]{entries}"), content)
}

/// Threat 55
#[tokio::test]
async fn what_is_drawn_again_and_again() {
    // Ten forms, each of which draws the next one a hundred times.
    let forms: Vec<Vec<u8>> = (0..10)
        .map(|number| {
            form(&format!("/Resources<</XObject<</X0 {} 0 R>>>>", number + 7), "/X0 Do ".repeat(100))
        })
        .collect();
    let pattern = "/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 1/YStep 1";
    let in_itself = format!("{pattern}/Resources<</Pattern<</P 6 0 R>>>>");
    let painted = "/Pattern cs /P scn 0 0 9 9 re f ";
    let glyphs =
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/FirstChar 97/LastChar 97
        /Widths[9]/Encoding<</Differences[97/a]>>/CharProcs<</a 7 0 R>>/Resources<</Font<</G 6 0 R>>>>>>";
    let shown = "9 0 d0 BT /G 1 Tf (aa) Tj ET";
    let mask = "<</Type/ExtGState/SMask<</Type/Mask/S/Alpha/G 7 0 R>>>>";
    let masked = "/Group<</S/Transparency>>/Resources<</ExtGState<</M 6 0 R>>>>";
    check(vec![
        (
            "a form that draws itself",
            page(X0, "/X0 Do", &[form("", format!("{TEXT} /X0 Do"))]),
            Reads("text"),
        ),
        ("a form that draws itself twice", page(X0, "/X0 Do", &[form("", "/X0 Do ".repeat(2))]), Limited),
        ("forms that multiply", page(X0, "/X0 Do", &forms), Limited),
        (
            "a pattern of itself",
            page(
                "/Pattern<</P 6 0 R>>",
                format!("{painted}{TEXT}"),
                &[stream(&in_itself, painted.repeat(2))],
            ),
            Reads("text"),
        ),
        (
            "a glyph of itself",
            page("/Font<</G 6 0 R>>", "BT /G 9 Tf (a) Tj ET", &[glyphs.into(), stream("", shown)]),
            Answered,
        ),
        (
            "a mask of itself",
            page(
                "/ExtGState<</M 6 0 R>>",
                format!("/M gs {TEXT}"),
                &[mask.into(), form(masked, "/M gs 0 0 9 9 re f")],
            ),
            Reads("text"),
        ),
        (
            "a colour space of itself",
            page(
                "/ColorSpace<</C 6 0 R>>",
                format!("/C cs 1 scn {TEXT}"),
                &[b"[/Indexed 6 0 R 255 <00>]".to_vec()],
            ),
            Answered,
        ),
    ])
    .await;
}

/// Threat 55
#[tokio::test]
async fn what_nests_without_end() {
    let million = |word: &str| page("", format!("{}{TEXT}", word.repeat(1_000_000)), &[]);
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(200_000), close.repeat(200_000));
    check(vec![
        ("saved states", million("q "), Limited),
        ("restored states", million("Q "), Reads("text")),
        ("marked content", million("/P BMC "), Reads("text")),
        ("marked content with properties", million("/P<</MCID 0>>BDC "), Reads("text")),
        ("ended marked content", million("EMC "), Reads("text")),
        ("begun texts", million("BT "), Reads("text")),
        ("clip paths", million("0 0 900 900 re W n "), Reads("text")),
        ("path of a million lines", million("9 9 l "), Reads("text")),
        ("operands", million("1 "), Answered),
        ("arrays", page("", format!("{} TJ {TEXT}", deep("[", "]")), &[]), Answered),
        ("dictionaries", page("", format!("/P {} BDC {TEXT}", deep("<</A", ">>")), &[]), Answered),
        ("strings", page("", format!("{} Tj {TEXT}", deep("(", ")")), &[]), Answered),
        ("objects", page("", TEXT, &[deep("[", "]").into(), deep("<</A", ">>").into()]), Answered),
        ("a name of ten megabytes", page("", format!("/{} gs {TEXT}", "x".repeat(10 << 20)), &[]), Answered),
        ("a string without end", page("", format!("{TEXT} ({}", "x".repeat(10 << 20)), &[]), Answered),
    ])
    .await;
}

/// Threat 55
#[tokio::test]
async fn more_glyphs_than_a_text_may_have() {
    let mut glyphs = b"BT /F 12 Tf 72 700 Td (".to_vec();
    glyphs.extend(std::iter::repeat_n(b"words ", 500_000).flatten());
    glyphs.extend(b") Tj ET");
    let single = format!("BT /F 12 Tf 72 700 Td {} ET", "1 0 Td (x) Tj ".repeat(500_000));
    let shared = |content: Vec<u8>| {
        let kids: Vec<String> = (0..500).map(|page| format!("{} 0 R", page + 6)).collect();
        let pages =
            format!("<</Type/Pages/Kids[{}]/Count 500/Resources<</Font<</F 5 0 R>>>>>>", kids.join(" "));
        let page = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec();
        let first = [CATALOG.into(), pages.into(), b"null".to_vec(), stream("", content), FONT.into()];
        objects(&first, &vec![page; 500])
    };
    let repeated = |count: usize| {
        let contents = "4 0 R ".repeat(count);
        let page = format!("<</Type/Page/Parent 2 0 R/Contents[{contents}]/Resources<</Font<</F 5 0 R>>>>>>");
        let content = stream("", format!("{TEXT}{}", " ".repeat(100_000)));
        objects(&[CATALOG.into(), PAGES.into(), page.into(), content, FONT.into()], &[])
    };
    check(vec![
        ("three million glyphs", page("", &glyphs, &[]), Limited),
        ("single glyphs", page("", single, &[]), Limited),
        ("500 pages of the same three million", shared(glyphs), Limited),
        ("500 pages of the same blank megabyte", shared(vec![b' '; 1 << 20]), Limited),
        ("a content of ten thousand parts", repeated(10_000), Limited),
    ])
    .await;
}

/// Threat 55. Images are not decoded.
#[tokio::test]
async fn images_are_passed_over() {
    let huge =
        "/Type/XObject/Subtype/Image/Width 100000/Height 100000/BitsPerComponent 16/ColorSpace/DeviceRGB";
    let mut cases = Vec::new();
    for filter in [
        "JBIG2Decode",
        "JPXDecode",
        "CCITTFaxDecode",
        "DCTDecode",
        "FlateDecode",
        "LZWDecode",
        "RunLengthDecode",
    ] {
        let image = stream(&format!("{huge}/Filter/{filter}"), Random::new(1).noise(50_000));
        cases.push((filter, page(X0, format!("/X0 Do {TEXT}"), &[image]), Reads("text")));
    }
    let masked = [stream(&format!("{huge}/SMask 6 0 R/Mask 6 0 R"), "")];
    cases.push(("a mask of itself", page(X0, format!("/X0 Do {TEXT}"), &masked), Reads("text")));
    let inline = |count: usize, data: &str| {
        let image = format!("BI /W 100000 /H 100000 /BPC 8 /CS /RGB ID {data} EI ");
        page("", format!("{}{TEXT}", image.repeat(count)), &[])
    };
    cases.push(("inline image", inline(1, "abc"), Reads("text")));
    cases.push(("a hundred thousand inline images", inline(100_000, ""), Limited));
    let endless = format!("{TEXT} BI /W 9 /H 9 ID {}", "x".repeat(1_000_000));
    cases.push(("inline image without end", page("", endless, &[]), Answered));
    check(cases).await;
}

/// S1-37. The pages that were read in time are kept.
#[tokio::test]
async fn a_document_that_takes_too_long_is_read_in_part() {
    // Each page but the first ones takes a noticeable time: a form is drawn two thousand times, and saves states.
    let form = form("", "q Q ".repeat(1_000));
    let kids: Vec<String> = (0..500).map(|page| format!("{} 0 R", page + 8)).collect();
    let pages =
        format!("<</Type/Pages/Kids[{}]/Count 500/Resources<</Font<</F 5 0 R>>{X0}>>>>", kids.join(" "));
    let content = stream("", format!("{TEXT} {}", "/X0 Do ".repeat(2_000)));
    let first =
        [CATALOG.into(), pages.into(), b"null".to_vec(), content, FONT.into(), form, b"null".to_vec()];
    let slow = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R>>".to_vec();
    let read = read(&objects(&first, &vec![slow; 500])).await.unwrap();
    assert!(0 < read.pages_read && read.pages_read < 500, "{} pages were read", read.pages_read);
    assert_eq!(read.pages, 500);
    let pages = usize::try_from(read.pages_read).unwrap();
    assert_eq!(read.text, vec!["text"; pages].join("\n\n"));
}
