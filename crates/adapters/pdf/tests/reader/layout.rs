//! Words, lines and the order of reading, by the places of glyphs.

use crate::font_files::cff_with_squares;
use crate::ordinary::{HELVETICA, document, text};
use crate::support::{read, stream};

/// The text of a page with this content, whose font is Helvetica without a table of widths.
async fn page(content: &str) -> String {
    text(&document(HELVETICA, &[content.as_bytes()], &[])).await
}

#[tokio::test]
async fn standard_fonts_have_their_widths_without_a_table() {
    assert_eq!(page("BT /F 12 Tf 72 700 Td (comm) Tj 32.66 0 Td (ittee) Tj ET").await, "committee");
}

/// Verdana is wider than the font that takes its place.
#[tokio::test]
async fn fonts_that_are_not_embedded_have_the_widths_of_the_document() {
    let font = "<</Type/Font/Subtype/TrueType/BaseFont/Verdana/Encoding/WinAnsiEncoding/FirstChar 97/LastChar 99\
        /Widths[300 900 900]/FontDescriptor<</Type/FontDescriptor/FontName/Verdana/Flags 32>>>>";
    let content = b"BT /F 10 Tf 72 700 Td (ab) Tj 12 0 Td (c) Tj 9.5 0 Td (a) Tj 6 0 Td (b) Tj ET";
    assert_eq!(text(&document(font, &[content], &[])).await, "abca b");
}

#[tokio::test]
async fn cells_that_one_string_spans_are_words() {
    assert_eq!(page("BT /F 12 Tf 72 700 Td 40 Tc (123) Tj ET").await, "1 2 3");
    let content = "BT /F 12 Tf 72 700 Td 40 Tc [(06) 3333 (,) 3333 (2) 3333 (8) 3333 (8)] TJ ET";
    assert_eq!(page(content).await, "0 6,288");
}

#[tokio::test]
async fn letters_that_are_spread_out_are_one_word() {
    assert_eq!(
        page("BT /F 12 Tf 72 700 Td 2.4 Tc (TOTAL DUE) Tj 0 Tc 0 -20 Td (in all) Tj ET").await,
        "TOTAL DUE\nin all"
    );
    assert_eq!(page("BT /F 12 Tf 72 700 Td 2.4 Tc (TERMS OF USE) Tj ET").await, "TERMS OF USE");
}

#[tokio::test]
async fn letters_that_are_placed_one_by_one_are_words() {
    let content = "BT /F 10 Tf 1 0 0 1 72 700 Tm (W) Tj 1 0 0 1 81.2 700 Tm (e) Tj 1 0 0 1 89.6 700 Tm (g) Tj
        1 0 0 1 95.2 700 Tm (o) Tj ET";
    assert_eq!(page(content).await, "We go");
}

#[tokio::test]
async fn what_is_drawn_twice_is_read_once() {
    let twice = "BT /F 12 Tf 72 700 Td (Total) Tj ET BT /F 12 Tf 72.4 700 Td (Total) Tj ET";
    assert_eq!(page(twice).await, "Total");
    assert_eq!(page("BT /F 12 Tf 2 Tr 72 700 Td (all 11) Tj ET").await, "all 11");
    let letters = "BT /F 12 Tf 72 700 Td (b) Tj 0.3 0 Td (b) Tj 6.4 0 Td (o) Tj 0.3 0 Td (o) Tj ET";
    assert_eq!(page(letters).await, "bo");
    assert_eq!(page("BT /F 12 Tf 72 700 Td [(4) 530 (4)] TJ ET").await, "4");
}

#[tokio::test]
async fn letters_that_are_in_the_place_of_the_same_ones_by_chance_are_read() {
    let date = |date: &str| format!("BT /F 12 Tf 72 700 Td (Date: {date}) Tj ET ");
    assert_eq!(
        page(&(date("2024-05-01") + "1 g 72 690 200 20 re f 0 g " + &date("2025-06-01"))).await,
        "Date: 2024-05-01\nDate: 2025-06-01"
    );
    assert_eq!(page("BT /F 12 Tf -1.4 Tc 72 700 Td (illicit ll) Tj ET").await, "illicit ll");
}

/// Two Hebrew letters drawn from the left, and between them a vowel of no width.
#[tokio::test]
async fn a_mark_belongs_to_the_letter_that_its_outline_is_under() {
    let font = "<</Type/Font/Subtype/Type1/BaseFont/X/FirstChar 65/LastChar 67/Widths[500 0 500]/FontDescriptor 4 0 R\
        /Encoding<</Differences[65/uni05DC/uni05B8/uni05E9]>>>>";
    for (square, expected) in [(200, "ש\u{5b8}ל"), (-300, "של\u{5b8}")] {
        let file =
            cff_with_squares(&[(65, "uni05DC", None), (66, "uni05B8", Some(square)), (67, "uni05E9", None)]);
        let further = [
            b"<</Type/FontDescriptor/FontName/X/Flags 4/FontFile3 5 0 R>>".to_vec(),
            stream("/Subtype/Type1C", &file),
        ];
        let content = b"BT /F 10 Tf 72 700 Td (ABC) Tj ET";
        assert_eq!(text(&document(font, &[content], &further)).await, expected);
    }
}

#[tokio::test]
async fn accents_that_are_drawn_over_letters_are_a_part_of_them() {
    // TeX draws the accent first, and the letter under it.
    assert_eq!(page("BT /F 12 Tf 72 700 Td (caf) Tj 17.5 0 Td (\\264) Tj -1.3 0 Td (e) Tj ET").await, "café");
}

#[tokio::test]
async fn divided_words_are_joined() {
    let content = "BT /F 12 Tf 14 TL 72 700 Td (an inter-) Tj T* (national law of 2019-) Tj T* (2020 by Jean-) Tj T* (Pierre) Tj ET";
    assert_eq!(page(content).await, "an international law of 2019-\n2020 by Jean-\nPierre");
}

#[tokio::test]
async fn text_that_cannot_be_seen_on_the_page_is_left_out() {
    assert_eq!(
        page("BT /F 12 Tf 72 700 Td (in) Tj 600 0 Td (right) Tj -72 -1000 Td (below) Tj ET").await,
        "in"
    );
}

#[tokio::test]
async fn invisible_text_is_read_for_scans_have_their_words_in_it() {
    assert_eq!(page("BT /F 12 Tf 3 Tr 72 700 Td (scanned words) Tj ET").await, "scanned words");
}

#[tokio::test]
async fn the_text_that_a_document_gives_for_its_glyphs_is_read() {
    let content = "BT /F 12 Tf 72 700 Td /Span<</ActualText<FEFF00660066>>> BDC (x) Tj EMC (ont) Tj
        /P<</MCID 0>> BDC 0 -20 Td (next) Tj EMC ET";
    assert_eq!(page(content).await, "ffont\nnext");
    // The font has no character for the code 1.
    let unknown = "BT /F 12 Tf 72 700 Td (x) Tj /Span<</ActualText(fi)>> BDC (\\001) Tj EMC (y) Tj ET";
    assert_eq!(page(unknown).await, "xfiy");
    // Glyphs that stand in a word from right to left.
    let from_right = "BT /F 12 Tf 1 0 0 1 120 700 Tm (a) Tj /Span<</ActualText<FEFF05D105D2>>> BDC \
        1 0 0 1 113.3 700 Tm (b) Tj 1 0 0 1 107.3 700 Tm (c) Tj EMC 1 0 0 1 100.6 700 Tm (d) Tj ET";
    assert_eq!(page(from_right).await, "dבגa");
    // Without an end, it would take the rest of the page away.
    assert_eq!(page("/Span<</ActualText(A)>> BDC BT /F 12 Tf 72 700 Td (kept) Tj ET").await, "kept");
}

#[tokio::test]
async fn rotated_lines_are_lines() {
    let content = "BT /F 12 Tf 0 1 -1 0 300 300 Tm (going up) Tj ET BT /F 12 Tf 72 700 Td (level) Tj ET";
    assert_eq!(page(content).await, "going up\nlevel");
}

#[tokio::test]
async fn hebrew_is_read_from_the_right() {
    let font =
        "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 4 0 R/DescendantFonts[5 0 R]>>";
    let table = b"1 begincodespacerange <0000> <FFFF> endcodespacerange
        6 beginbfchar <0001> <05DD> <0002> <05D5> <0003> <05DC> <0004> <05E9> <0005> <0031> <0006> <0032> endbfchar";
    let descendant = "<</Type/Font/Subtype/CIDFontType2/BaseFont/X/DW 500>>";
    let content = b"BT /F 12 Tf 72 700 Td <000500060001000200030004> Tj ET";
    let document = document(font, &[content], &[stream("", table), descendant.into()]);
    assert_eq!(text(&document).await, "שלום12");
}

#[tokio::test]
async fn further_pages_than_500_are_counted() {
    let pages = vec![b"BT /F 12 Tf 72 700 Td (hello) Tj ET".as_slice(); 501];
    let read = read(&document(HELVETICA, &pages, &[])).await.unwrap();
    assert_eq!((read.pages, read.pages_read), (501, 500));
    assert_eq!(read.text, vec!["hello"; 500].join("\n\n"));
}
