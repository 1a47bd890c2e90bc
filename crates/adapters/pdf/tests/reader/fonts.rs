//! The characters of fonts, as the programs that write documents store them.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use ports::ExtractionError;

use crate::font_files::{cff, true_type};
use crate::support::{pdf, read, stream};

const COMPOSITE: &str =
    "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 7 0 R/DescendantFonts[6 0 R]>>";
const NOT_EMBEDDED: &str = "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 1000\
    /CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>>>";

/// A document that shows a string in a font. `further` objects are numbered from 6 on.
fn document(font: &str, string: &str, further: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
            .to_vec(),
        stream("", format!("BT /F 12 Tf 72 700 Td {string} Tj ET")),
        font.into(),
    ];
    objects.extend_from_slice(further);
    pdf(&objects)
}

async fn text(font: &str, string: &str, further: &[Vec<u8>]) -> String {
    read(&document(font, string, further)).await.unwrap().text
}

/// A composite font with this encoding, and the objects from 6 on that it consists of, with a font file or without.
fn composite(encoding: &str, collection: &str, file: Option<Vec<u8>>) -> (String, Vec<Vec<u8>>) {
    let font = format!("<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/{encoding}/DescendantFonts[6 0 R]>>");
    let descendant = format!(
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 1000/CIDToGIDMap/Identity/FontDescriptor 7 0 R\
         /CIDSystemInfo<</Registry(Adobe)/Ordering({collection})/Supplement 0>>>>"
    );
    let reference = if file.is_some() { "/FontFile2 8 0 R" } else { "" };
    let descriptor = format!("<</Type/FontDescriptor/FontName/X/Flags 4{reference}>>");
    let mut objects = vec![descendant.into(), descriptor.into()];
    objects.extend(file.map(|file| stream("", file)));
    (font, objects)
}

#[tokio::test]
async fn tables_of_characters_are_read_however_they_are_spelt() {
    let characters = "1 beginbfchar <0003> <0020> endbfchar\n1 beginbfrange <0024> <0026> <0041> endbfrange";
    let codes = "1 begincodespacerange <0000> <FFFF> endcodespacerange";
    let system = "<</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def";
    let end = "endcmap CMapName currentdict /CMap defineresource pop end end";
    for table in [
        format!(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo {system} {codes} {characters} {end}"
        ),
        // Without slashes, as PDFsharp and others write it.
        format!(
            "/CIDInit /ProcSet findresource begin begincmap CIDSystemInfo {system} {codes} {characters} {end}"
        ),
        format!(
            "begincmap {codes} {characters} endcmap CMapName currentdict /CMap define resource pop end end"
        ),
        format!(
            "%!PS-Adobe-3.0 Resource-CMap\n%%DocumentNeededResources: ProcSet (CIDInit)\n{codes}\n{characters}\nendcmap"
        ),
        format!("/CMapName /Adobe/Identity-UCS def {codes} {characters}"),
        format!("{codes} {characters}"),
        format!("{codes} {characters}").replace(' ', "\r\n"),
        format!("{codes} {characters}").replace("> <", "><"),
        // A codespace that holds few of the codes, as Distiller and others write it.
        format!("1 begincodespacerange <0003> <1A08> endcodespacerange {characters}"),
    ] {
        let further = [NOT_EMBEDDED.into(), stream("", &table)];
        assert_eq!(text(COMPOSITE, "<00240025000300 26>", &further).await, "AB C", "{table}");
    }
}

#[tokio::test]
async fn the_rest_of_a_broken_table_of_characters_is_read() {
    for table in [
        "3 beginbfchar <0003> <0020> <0009> <> <0026> <0043> endbfchar 1 beginbfrange <0024> <0025> <0041> endbfrange",
        "1 beginbfchar <0003> <0020> endbfchar 1 beginbfrange <0024> <00FF> [<0041> <0042> <0043>] endbfrange",
        "1 beginbfchar <0003> <0020> endbfchar 1 beginbfrange <0024> <0026> <0041> endbfrange 1 beginbfrange <00",
        "/Unknown usecmap 1 beginbfchar <0003> <0020> endbfchar 1 beginbfrange <0024> <0026> <0041> endbfrange",
    ] {
        let further = [NOT_EMBEDDED.into(), stream("", table)];
        assert_eq!(text(COMPOSITE, "<00240025000300 26>", &further).await, "AB C", "{table}");
    }
    let font = "<</Type/Font/Subtype/Type1/BaseFont/X/ToUnicode 6 0 R/Encoding<</Differences[1/g1/g2]>>>>";
    let table = stream("", "2 beginbfchar <01> <0041> <02> <> endbfchar");
    assert_eq!(text(font, "<0102>", &[table]).await, "A");
}

#[tokio::test]
async fn an_unknown_encoding_does_not_hide_the_table_of_characters() {
    let font = COMPOSITE.replace("Identity-H", "Custom-Encoding-H");
    let table = "1 beginbfrange <0024> <0026> <0041> endbfrange";
    let further = [NOT_EMBEDDED.into(), stream("", table)];
    assert_eq!(text(&font, "<00240026>", &further).await, "AC");
}

#[tokio::test]
async fn codes_outside_of_the_codespace_are_read() {
    let table = "1 begincodespacerange <0003> <0224> endcodespacerange 4 beginbfchar
        <0003> <0020> <0024> <0041> <0025> <0042> <0126> <0043> endbfchar";
    let further = [NOT_EMBEDDED.into(), stream("", table)];
    assert_eq!(text(COMPOSITE, "<0024002500030126>", &further).await, "AB C");
}

#[tokio::test]
async fn filters_are_found_however_they_are_named() {
    let content = b"BT /F 12 Tf 72 700 Td (hello) Tj ET";
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    let flate = encoder.finish().unwrap();
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
    for (filter, content) in [
        ("6 0 R", flate.clone()),
        ("/Fl", flate.clone()),
        ("[/Fl]", flate.clone()),
        ("[/A85/Fl]", ascii85(&flate)),
        ("[]", content.to_vec()),
    ] {
        let pdf = pdf(&[
            b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
            b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>".to_vec(),
            stream(&format!("/Filter {filter}"), content),
            font.into(),
            b"/FlateDecode".to_vec(),
        ]);
        assert_eq!(read(&pdf).await.unwrap().text, "hello", "{filter}");
    }
}

fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for group in bytes.chunks(4) {
        let padded: Vec<u8> = group.iter().copied().chain([0; 3]).take(4).collect();
        let mut number = u32::from_be_bytes(padded.try_into().unwrap());
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = b'!' + u8::try_from(number % 85).unwrap();
            number /= 85;
        }
        encoded.extend(digits.iter().take(group.len() + 1));
    }
    encoded.extend(b"~>");
    encoded
}

#[tokio::test]
async fn codes_of_the_standard_symbol_fonts_are_symbols() {
    let symbol = "<</Type/Font/Subtype/Type1/BaseFont/Symbol>>";
    assert_eq!(text(symbol, r"(100W 10m \(a\267b\))", &[]).await, "100\u{2126} 10µ (α•β)");
    let dingbats = "<</Type/Font/Subtype/Type1/BaseFont/ZapfDingbats>>";
    assert_eq!(text(dingbats, "(4l)", &[]).await, "✔●");
}

#[tokio::test]
async fn embedded_symbol_fonts_never_give_letters() {
    let table = [(0xf057, 1), (0xf061, 2), (0xf0b7, 3)];
    let file = true_type(4, &[(3, 0, &table)]);
    let font = |name| {
        format!(
            "<</Type/Font/Subtype/TrueType/BaseFont/ABCDEF+{name}/FirstChar 0/LastChar 0/Widths[0]/FontDescriptor 6 0 R>>"
        )
    };
    let further =
        [b"<</Type/FontDescriptor/FontName/X/Flags 4/FontFile2 7 0 R>>".to_vec(), stream("", &file)];
    assert_eq!(text(&font("SymbolMT"), r"(Wa\267)", &further).await, "\u{2126}α•");
    assert_eq!(text(&font("Wingdings-Regular"), r"(Wa\247)", &further).await, "▪");
    assert_eq!(
        text("<</Type/Font/Subtype/TrueType/BaseFont/Wingdings/Encoding/WinAnsiEncoding>>", "(Wal)", &[])
            .await,
        "●"
    );
    // Letters in a font that stores them in the same way stay letters.
    assert_eq!(text(&font("Calibri"), "(Wa)", &further).await, "Wa");
}

#[tokio::test]
async fn a_table_of_characters_that_is_a_name_says_that_codes_are_characters() {
    let font = COMPOSITE.replace("7 0 R", "/Identity-H");
    assert_eq!(text(&font, "<004100420043>", &[NOT_EMBEDDED.into()]).await, "ABC");
    // The table of the embedded font knows better.
    let (font, further) =
        composite("Identity-H", "Identity", Some(true_type(99, &[(3, 1, &[(0x61, 0x41), (0x62, 0x42)])])));
    let font = font.replace("/BaseFont", "/ToUnicode/Identity-H/BaseFont");
    assert_eq!(text(&font, "<00410042>", &further).await, "ab");
}

#[tokio::test]
async fn names_that_hold_their_code_give_its_character() {
    let drawing = stream("", "500 0 d0 0 0 400 700 re f");
    for (names, string) in [
        ("65/a65/a66", "(AB)"),
        ("65/G41/G42", "(AB)"),
        ("65/65/66", "(AB)"),
        ("12/a12 65/a65/a66", r"(AB\014)"),
        ("65/BV/B0", "(AB)"),
        // The codes of these are new, and the names hold the old ones.
        ("1/G41/G42", r"(\001\002)"),
    ] {
        let names_alone = names.split('/').skip(1).map(|name| name.split(' ').next().unwrap());
        let procedures: String = names_alone.fold(String::new(), |mut list, name| {
            write!(list, "/{name} 6 0 R").unwrap();
            list
        });
        let font = format!(
            "<</Type/Font/Subtype/Type3/FontBBox[0 0 500 700]/FontMatrix[.001 0 0 .001 0 0]/CharProcs<<{procedures}>>\
             /Encoding<</Type/Encoding/Differences[{names}]>>/FirstChar 0/LastChar 66/Widths[{}]>>",
            "500 ".repeat(67)
        );
        let expected = if names.contains("a12") { "ABfi" } else { "AB" };
        assert_eq!(text(&font, string, std::slice::from_ref(&drawing)).await, expected, "{names}");
    }
}

#[tokio::test]
async fn names_of_ligatures_and_variants_give_their_letters() {
    let names = "1/T_h/f_i/f_f_l/one.oldstyle/a.sc/ffi/eacute/uni20AC/u1F600/g17";
    let font =
        format!("<</Type/Font/Subtype/Type1/BaseFont/X/Encoding<</Type/Encoding/Differences[{names}]>>>>");
    assert_eq!(text(&font, "<0102030405060708090A>", &[]).await, "Thfiffl1affié€😀");
}

#[tokio::test]
async fn the_encoding_of_an_embedded_font_is_read() {
    let file = cff(&[(11, "ff"), (12, "fi"), (65, "A"), (97, "alpha"), (98, "a99"), (99, "c99")]);
    let font = "<</Type/Font/Subtype/Type1/BaseFont/ABCDEF+CMR10/FirstChar 0/LastChar 0/Widths[0]/FontDescriptor 6 0 R>>";
    let further = [
        b"<</Type/FontDescriptor/FontName/X/Flags 4/FontFile3 7 0 R>>".to_vec(),
        stream("/Subtype/Type1C", &file),
    ];
    // Nothing is known of the code 98.
    assert_eq!(text(font, "<0B0C41616263>", &further).await, "fffiAαc");
}

#[tokio::test]
async fn predefined_tables_give_the_characters_of_codes() {
    for (encoding, collection, string, expected) in [
        ("GBK-EUC-H", "GB1", "<D6D0CEC441>", "中文A"),
        ("GB-EUC-V", "GB1", "<D6D0CEC4>", "中文"),
        ("UniGB-UCS2-H", "GB1", "<4E2D65870041>", "中文A"),
        ("90ms-RKSJ-H", "Japan1", "<93FA967B41>", "日本A"),
        ("90ms-RKSJ-V", "Japan1", "<93FA967B>", "日本"),
        ("EUC-H", "Japan1", "<C6FCCBDC>", "日本"),
        ("UniJIS-UTF16-H", "Japan1", "<65E5672CD842DFB7>", "日本𠮷"),
        ("UniJIS2004-UTF16-H", "Japan1", "<65E5672C>", "日本"),
        ("ETen-B5-H", "CNS1", "<A4A4A4E5>", "中文"),
        ("KSCms-UHC-H", "Korea1", "<B0A1B3AA>", "가나"),
        ("UniKS-UCS2-V", "Korea1", "<AC00B098>", "가나"),
    ] {
        for file in [None, Some(true_type(9, &[]))] {
            let is_embedded = file.is_some();
            let (font, further) = composite(encoding, collection, file);
            let found = text(&font, string, &further).await;
            assert_eq!(found.replace('\n', ""), expected, "{encoding}, embedded: {is_embedded}");
        }
    }
}

#[tokio::test]
async fn numbers_of_a_character_collection_give_characters() {
    for (encoding, collection, string, expected) in [
        ("Identity-H", "Japan1", "<002204650466>", "A亜唖"),
        ("Identity-V", "Japan1", "<0465>", "亜"),
        ("Identity-H", "Korea1", "<0022>", "A"),
    ] {
        for file in [None, Some(true_type(9, &[]))] {
            let (font, further) = composite(encoding, collection, file);
            assert_eq!(text(&font, string, &further).await, expected, "{encoding} {collection}");
        }
    }
}

#[tokio::test]
async fn the_table_of_an_embedded_font_gives_the_characters_of_its_glyphs() {
    // The radical ⼀ and the character 一 share a glyph, as do the letter and its form at the end of a word.
    let table = [(0x41, 3), (0x42, 4), (0x2f00, 5), (0x4e00, 5), (0xfe8e, 6), (0x627, 6), (0xe001, 7)];
    let mut sorted = table;
    sorted.sort_unstable();
    for platform in [(3, 1), (0, 3)] {
        let file = true_type(9, &[(platform.0, platform.1, &sorted)]);
        let (font, further) = composite("Identity-H", "Identity", Some(file));
        assert_eq!(text(&font, "<000300040005>", &further).await, "AB一");
        assert_eq!(text(&font, "<0006>", &further).await, "\u{627}");
        // A glyph for private use, and one without a character.
        assert_eq!(text(&font, "<000700080003>", &further).await, "A");
    }
}

#[tokio::test]
async fn a_table_of_characters_that_says_nothing_is_not_believed() {
    let file = true_type(9, &[(3, 1, &[(0x41, 3), (0x42, 4)])]);
    for table in [
        "1 beginbfrange <0000> <FFFF> <FFFD> endbfrange",
        "2 beginbfchar <0003> <0000> <0004> <0000> endbfchar",
        "1 beginbfrange <0003> <0004> <E003> endbfrange",
        "1 beginbfchar <0009> <0041> endbfchar",
        "nonsense",
        "",
    ] {
        let (font, mut further) = composite("Identity-H", "Identity", Some(file.clone()));
        further.push(stream("", table));
        let font = font.replace("/BaseFont", "/ToUnicode 9 0 R/BaseFont");
        assert_eq!(text(&font, "<00030004>", &further).await, "AB", "{table}");
    }
}

#[tokio::test]
async fn a_true_type_font_without_an_encoding_tells_its_characters() {
    // The codes of a Mac table, and characters for the same glyphs.
    let file = true_type(9, &[(1, 0, &[(1, 3), (2, 4)]), (3, 1, &[(0x41, 3), (0x42, 4)])]);
    let font =
        "<</Type/Font/Subtype/TrueType/BaseFont/X/FirstChar 0/LastChar 0/Widths[0]/FontDescriptor 6 0 R>>";
    let further =
        [b"<</Type/FontDescriptor/FontName/X/Flags 4/FontFile2 7 0 R>>".to_vec(), stream("", &file)];
    assert_eq!(text(font, "<0102>", &further).await, "AB");
}

#[tokio::test]
async fn fonts_of_forms_on_a_page_are_found() {
    let file = true_type(9, &[(3, 1, &[(0x41, 3)])]);
    let (font, further) = composite("Identity-H", "Identity", Some(file));
    let resources = "/Resources<</Font<</G 5 0 R>>>>";
    let inner = stream(&format!("/Subtype/Form/BBox[0 0 9 9]{resources}"), "BT /G 12 Tf <0003> Tj ET");
    let outer = stream("/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 9 0 R/Y 10 0 R>>>>", "/X Do");
    let pdf = pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</Y 10 0 R>>>>>>".to_vec(),
        stream("", "/Y Do"),
        font.into(),
        further[0].clone(),
        further[1].clone(),
        further[2].clone(),
        inner,
        outer,
    ]);
    assert_eq!(read(&pdf).await.unwrap().text, "A");
}

/// A document whose page has this many fonts of one file, each with its own encoding. It shows a string in the last one.
fn with_fonts(count: usize, string: &str) -> Vec<u8> {
    let file = true_type(9, &[(3, 1, &[(0x41, 3)])]);
    let (font, mut further) = composite("Identity-H", "Identity", Some(file));
    let mut fonts = String::new();
    for number in 0..count {
        write!(fonts, "/G{number}<</Number {number}{}", font.trim_start_matches("<<")).unwrap();
    }
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<<{fonts}>>>>>>").into(),
        stream("", format!("BT /G{} 12 Tf 72 700 Td {string} Tj ET", count - 1)),
        b"null".to_vec(),
    ];
    objects.append(&mut further);
    pdf(&objects)
}

/// Threat 55
#[tokio::test]
async fn very_many_fonts_do_no_harm() {
    assert_eq!(read(&with_fonts(100, "<0003>")).await.unwrap().text, "A");
    let read = read(&with_fonts(100_000, "<0003000400050006>")).await;
    assert!(matches!(read, Ok(_) | Err(ExtractionError::TooComplex)), "{read:?}");
}

/// Threat 55
#[tokio::test]
async fn very_many_unknown_codes_do_no_harm() {
    let mut codes = String::new();
    for code in 0..=0xffff_u32 {
        write!(codes, "{code:04X}").unwrap();
    }
    let codes = codes.repeat(8);
    let (font, further) = composite("Identity-H", "Identity", Some(true_type(9, &[(3, 1, &[(0x41, 3)])])));
    // The other ones are to the right of the page.
    assert_eq!(text(&font, &format!("<{codes}>"), &further).await, "A");
}
