//! Fonts whose tables are endless, broken or too many.

use super::Outcome::{Answered, Limited, Reads};
use super::random::Random;
use super::{CATALOG, Case, PAGES, TEXT, check, objects};
use crate::support::stream;

const PAGE: &str = "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>";

/// A document that shows a text in this font; `further` objects are numbered from 6 on.
fn in_font(font: &str, further: &[Vec<u8>]) -> Vec<u8> {
    let content = stream("", format!("{TEXT} BT /F 12 Tf 72 600 Td <0041004200430044> Tj ET"));
    objects(&[CATALOG.into(), PAGES.into(), PAGE.into(), content, font.into()], further)
}

/// Threat 55
#[tokio::test]
async fn tables_of_all_characters() {
    let composite =
        |entries: &str| format!("<</Type/Font/Subtype/Type0/BaseFont/X/DescendantFonts[7 0 R]{entries}>>");
    let descendant = |entries: &str| {
        format!(
            "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 1000/CIDSystemInfo<</Registry(Adobe)
            /Ordering(Identity)/Supplement 0>>{entries}>>"
        )
        .into_bytes()
    };
    let table = |ranges: &str| {
        stream(
            "/Type/CMap/CMapName/X",
            format!(
                "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def
                1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange {ranges}
                endcmap CMapName currentdict /CMap defineresource pop end end"
            ),
        )
    };
    let identity = "/Encoding/Identity-H";
    let mut cases: Vec<Case> = Vec::new();
    for (name, ranges) in [
        ("characters", "1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange".to_owned()),
        ("many characters", "1 beginbfrange <0000> <FFFF> <D83DDE00> endbfrange ".repeat(10_000)),
        ("numbers", "1 begincidrange <00000000> <FFFFFFFF> 0 endcidrange".to_owned()),
        ("a table that uses itself", "/X usecmap".to_owned()),
        ("text without end", format!("1 beginbfchar <0041> <{}> endbfchar", "0041".repeat(1_000_000))),
        ("nesting", "[".repeat(200_000)),
    ] {
        let objects = [table(&ranges), descendant("")];
        cases.push((name, in_font(&composite(&format!("{identity}/ToUnicode 6 0 R")), &objects), Answered));
        cases.push((name, in_font(&composite("/Encoding 6 0 R"), &objects), Answered));
    }
    for (name, widths) in [
        ("widths", "/W[0 4294967295 1000]".to_owned()),
        ("vertical widths", "/W2[0 4294967295 1 2 3]".to_owned()),
        ("many widths", format!("/W[{}]", "0 65535 1 ".repeat(10_000))),
    ] {
        cases.push((name, in_font(&composite(identity), &[b"null".to_vec(), descendant(&widths)]), Limited));
    }
    let simple = |entries: &str| format!("<</Type/Font/Subtype/TrueType/BaseFont/X{entries}>>");
    for (name, entries) in [
        ("negative widths", "/FirstChar -2147483648/LastChar 2147483647/Widths[1 2 3]".to_owned()),
        ("differences", format!("/Encoding<</Differences[-1/a 4294967295/b 97{}]>>", "/c".repeat(1_000_000))),
        (
            "a font that descends from itself",
            "/Subtype/Type0/Encoding/Identity-H/DescendantFonts[5 0 R]".to_owned(),
        ),
        (
            "an encoding of itself",
            "/Encoding<</BaseEncoding 5 0 R/Differences 5 0 R>>/ToUnicode 5 0 R".to_owned(),
        ),
    ] {
        cases.push((name, in_font(&simple(&entries), &[]), Answered));
    }
    check(cases).await;
}

/// Threat 55
#[tokio::test]
async fn broken_fonts_are_read_as_well_as_can_be() {
    let mut cases: Vec<Case> = Vec::new();
    for seed in 0..8 {
        for (name, kind, file, start) in [
            ("TrueType", "TrueType", "/FontFile2 7 0 R", &b"\0\x01\0\0\0\x09\0\x80\0\x03\0\x10"[..]),
            ("CFF", "Type1", "/FontFile3 7 0 R", b"\x01\0\x04\x02\0\x01\x01\x01"),
            ("OpenType", "TrueType", "/FontFile3 7 0 R", b"OTTO\0\x09\0\x80\0\x03\0\x10"),
            ("Type 1", "Type1", "/FontFile 7 0 R", b"%!PS-AdobeFont-1.0: X\n/Encoding 256 array\neexec\n"),
        ] {
            let font = format!(
                "<</Type/Font/Subtype/{kind}/BaseFont/X/FontDescriptor 6 0 R/FirstChar 65/Widths[9]>>"
            );
            let descriptor = format!("<</Type/FontDescriptor/FontName/X/Flags 4{file}>>");
            let program = [start, &Random::new(seed).noise(20_000)].concat();
            let program = stream("/Subtype/Type1C/Length1 4294967295/Length2 -1", program);
            cases.push((name, in_font(&font, &[descriptor.into(), program]), Answered));
        }
    }
    check(cases).await;
}

/// Threat 55
#[tokio::test]
async fn a_hundred_thousand_fonts() {
    const FONTS: usize = 100_000;
    let names: Vec<_> = (0..FONTS).map(|font| format!("/F{font} {} 0 R", font + 6)).collect();
    let page = format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<<{}>>>>>>", names.concat());
    let content: Vec<_> = (0..FONTS).map(|font| format!("BT /F{font} 1 Tf (x) Tj ET ")).collect();
    let first = [CATALOG.into(), PAGES.into(), page.into(), stream("", content.concat()), b"null".to_vec()];
    let fonts: Vec<Vec<u8>> = (0..FONTS)
        .map(|font| format!("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Name/F{font}>>").into_bytes())
        .collect();
    let same = vec![b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec()];
    let repeated = stream("", format!("{}{TEXT}", "/F 1 Tf ".repeat(FONTS)));
    check(vec![
        ("all different", objects(&first, &fonts), Limited),
        (
            "the same again",
            objects(&[CATALOG.into(), PAGES.into(), PAGE.into(), repeated], &same),
            Reads("text"),
        ),
    ])
    .await;
}
