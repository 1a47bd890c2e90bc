//! Ordinary documents.

use std::fs;
use std::path::Path;

use domain::limits::FILE_TEXT_BYTES;
use ports::{Extracted, ExtractionError};

use crate::support::{pdf, read, stream};

pub(crate) const HELVETICA: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";

/// A document with these pages, whose content uses one font, `/F`. `further` objects are numbered from 4 on.
pub(crate) fn document(font: &str, pages: &[&[u8]], further: &[Vec<u8>]) -> Vec<u8> {
    let first = 4 + further.len();
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", first + 2 * page)).collect();
    let (kids, count) = (kids.join(" "), pages.len());
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        format!(
            "<</Type/Pages/Kids[{kids}]/Count {count}/Resources<</Font<</F 3 0 R>>/XObject<</X 4 0 R>>>>>>"
        )
        .into(),
        font.as_bytes().to_vec(),
    ];
    objects.extend_from_slice(further);
    for (page, content) in pages.iter().enumerate() {
        let contents = first + 2 * page + 1;
        objects.push(
            format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents {contents} 0 R>>").into(),
        );
        objects.push(stream("", content));
    }
    pdf(&objects)
}

pub(crate) async fn text(pdf: &[u8]) -> String {
    read(pdf).await.unwrap().text
}

#[tokio::test]
async fn pages_are_in_order_with_a_blank_line_between_them() {
    let pages: [&[u8]; 3] = [
        b"BT /F 12 Tf 72 700 Td (First page) Tj ET",
        b"BT /F 12 Tf 72 700 Td (Second page) Tj ET",
        b"BT /F 12 Tf 72 700 Td (Third page) Tj ET",
    ];
    let read = read(&document(HELVETICA, &pages, &[])).await.unwrap();
    assert_eq!(
        read,
        Extracted { pages: 3, pages_read: 3, text: "First page\n\nSecond page\n\nThird page".to_owned() }
    );
}

#[tokio::test]
async fn words_and_lines_follow_from_the_positions_of_text() {
    let content =
        b"BT /F 10 Tf 14 TL 72 700 Td [(He) 20 (llo) -300 (wo) -60 (rld)] TJ T* (second) Tj (line) ' ET
        q 2 0 0 2 0 0 cm BT /F 10 Tf 1 0 0 1 36 200 Tm (scaled) Tj 1 0 0 1 200 200 Tm (apart) Tj ET Q";
    assert_eq!(text(&document(HELVETICA, &[content], &[])).await, "Hello world\nsecond\nline\nscaled apart");
}

#[tokio::test]
async fn a_named_encoding_gives_the_characters_of_codes() {
    let content = b"BT /F 12 Tf 72 700 Td (\xc4pfel f\xfcr 5 \x80 \x96 \\(gut\\)) Tj ET";
    assert_eq!(text(&document(HELVETICA, &[content], &[])).await, "Äpfel für 5 € – (gut)");
}

#[tokio::test]
async fn names_of_glyphs_give_the_characters_of_codes() {
    let font = "<</Type/Font/Subtype/Type1/BaseFont/X/Encoding<</Type/Encoding/Differences[1/eacute/uni20AC/f_i/g17]>>>>";
    let content = b"BT /F 12 Tf 72 700 Td (caf\\001 5\\002 \\003\\004n) Tj ET";
    assert_eq!(text(&document(font, &[content], &[])).await, "café 5€ fin");
}

#[tokio::test]
async fn a_table_of_characters_gives_those_of_two_byte_codes() {
    let font =
        "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 4 0 R/DescendantFonts[5 0 R]>>";
    let table = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def
        1 begincodespacerange <0000> <FFFF> endcodespacerange
        1 beginbfrange <0001> <0003> <65E5> endbfrange
        4 beginbfchar <0010> <D83DDE00> <0011> <0000> <0012> <0007> <0013> <FB03> endbfchar
        endcmap CMapName currentdict /CMap defineresource pop end end";
    let descendant = "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 1000/W[1[1000 1000]]>>";
    let further = [stream("", table), descendant.into()];
    // 日 and the two characters after it, an emoji, the gap of two control characters, and a ligature.
    let content = b"BT /F 12 Tf 72 700 Td <00010002000300100011001200130099> Tj ET";
    assert_eq!(text(&document(font, &[content], &further)).await, "日旦旧😀 ffi");
}

#[tokio::test]
async fn text_in_a_form_is_read() {
    let form = stream("/Type/XObject/Subtype/Form/BBox[0 0 99 99]", b"BT /F 12 Tf 72 650 Td (inside) Tj ET");
    let content = b"BT /F 12 Tf 72 700 Td (outside) Tj ET /X Do";
    assert_eq!(text(&document(HELVETICA, &[content], &[form])).await, "outside\ninside");
}

#[tokio::test]
async fn a_broken_page_is_left_out() {
    let pages: [&[u8]; 3] =
        [b"BT /F 12 Tf (before) Tj ET", b"\xff( BT /F 12 Tf (((", b"BT /F 12 Tf (after) Tj ET"];
    let read = read(&document(HELVETICA, &pages, &[])).await.unwrap();
    assert_eq!(read, Extracted { pages: 3, pages_read: 3, text: "before\n\nafter".to_owned() });
}

/// C-33
#[tokio::test]
async fn a_scan_has_pages_and_no_text() {
    let entries = "/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray";
    let image = stream(entries, b"\x00\xff\xff\x00");
    let read = read(&document(HELVETICA, &[b"q 595 0 0 842 0 0 cm /X Do Q", b""], &[image])).await.unwrap();
    assert_eq!(read, Extracted { pages: 2, pages_read: 2, text: String::new() });
}

#[tokio::test]
async fn a_long_text_is_cut_between_characters() {
    let mut content = b"BT /F 12 Tf 72 700 Td (x) Tj /Span<</ActualText(".to_vec();
    content.extend(std::iter::repeat_n(0xe9, FILE_TEXT_BYTES));
    content.extend(b")>> BDC (y) Tj EMC ET");
    let read = read(&document(HELVETICA, &[&content, &content], &[])).await.unwrap();
    // `x`, then characters of two bytes: the last one would exceed the limit.
    assert_eq!((read.pages, read.text.len()), (2, FILE_TEXT_BYTES - 1));
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::read(path).unwrap()
}

/// C-33
#[tokio::test]
async fn a_document_that_needs_a_password_is_refused_as_encrypted() {
    for name in ["encrypted-aes128-password.pdf", "encrypted-aes256-password.pdf"] {
        let refused = read(&fixture(name)).await.unwrap_err();
        assert!(matches!(refused, ExtractionError::Encrypted), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn an_encrypted_document_without_a_user_password_is_read() {
    for name in ["encrypted-rc4.pdf", "encrypted-aes128.pdf", "encrypted-aes256.pdf"] {
        assert_eq!(text(&fixture(name)).await, "confidential", "{name}");
    }
}
