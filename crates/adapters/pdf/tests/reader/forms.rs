//! Filled forms and annotations.

use crate::support::{pdf, read, stream};

const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>";
const APPEARANCE: &str = "/Type/XObject/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F 5 0 R>>>>";

/// The text of a document that shows `Name:` and has these annotations. `further` objects are numbered from 6 on.
async fn text(annotations: &str, further: &[Vec<u8>]) -> String {
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/NeedAppearances true>>>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>\
             /Annots[{annotations}]>>"
        )
        .into(),
        stream("", "BT /F 12 Tf 72 700 Td (Name:) Tj ET"),
        FONT.into(),
    ];
    objects.extend_from_slice(further);
    read(&pdf(&objects)).await.unwrap().text
}

fn field(entries: &str) -> String {
    format!("<</Type/Annot/Subtype/Widget/Rect[120 695 320 715]{entries}>>")
}

#[tokio::test]
async fn a_field_shows_its_appearance_once() {
    let appearance = stream(APPEARANCE, "/Tx BMC q BT /F 12 Tf 0 5 Td (Ada) Tj ET Q EMC");
    let field = field("/FT/Tx/T(name)/V(Ada)/AP<</N 6 0 R>>");
    assert_eq!(text(&field, &[appearance]).await, "Name: Ada");
}

#[tokio::test]
async fn a_field_without_an_appearance_shows_its_value() {
    assert_eq!(text(&field("/FT/Tx/T(name)/V(Ada)"), &[]).await, "Name: Ada");
    // The appearance is there, and empty.
    let appearance = stream(APPEARANCE, "/Tx BMC EMC");
    let field = field("/FT/Tx/T(name)/V(Ada)/AP<</N 6 0 R>>/DA(/F 10 Tf 0 g)");
    assert_eq!(text(&field, &[appearance]).await, "Name: Ada");
}

#[tokio::test]
async fn values_have_the_encodings_of_text_strings() {
    for (value, expected) in
        [(r"(caf\351 \203 5 \240)", "café … 5 €"), ("<FEFF65E5672C>", "日本"), ("<EFBBBFE697A5>", "日")]
    {
        let found = text(&field(&format!("/FT/Tx/T(name)/V{value}")), &[]).await;
        assert_eq!(found, format!("Name: {expected}"));
    }
}

#[tokio::test]
async fn several_lines_stay_apart() {
    let field =
        "<</Type/Annot/Subtype/Widget/Rect[72 600 320 680]/FT/Tx/Ff 4096/V(one\\rtwo\\nthree)/DA(/F 0 Tf)>>";
    assert_eq!(text(field, &[]).await, "Name:\none\ntwo\nthree");
}

#[tokio::test]
async fn a_value_may_be_that_of_the_field_around() {
    let around = "<</FT/Tx/T(name)/Ff 0/V(Ada)/Kids[7 0 R]/Parent 6 0 R>>";
    let kid = "<</Type/Annot/Subtype/Widget/Parent 6 0 R/Rect[120 695 320 715]>>";
    assert_eq!(text("7 0 R", &[around.into(), kid.into()]).await, "Name: Ada");
    // A field that is within itself has no value.
    let kid = "<</Type/Annot/Subtype/Widget/Parent 7 0 R/Rect[120 695 320 715]>>";
    assert_eq!(text("7 0 R", &[around.into(), kid.into()]).await, "Name:");
}

#[tokio::test]
async fn choices_show_what_was_chosen() {
    let options = "/Opt[[(1)(one)][(2)(two)](three)]";
    assert_eq!(text(&field(&format!("/FT/Ch/V(2){options}")), &[]).await, "Name: two");
    assert_eq!(text(&field(&format!("/FT/Ch/V(three){options}")), &[]).await, "Name: three");
    let list = format!("<</Type/Annot/Subtype/Widget/Rect[72 600 320 680]/FT/Ch/V[(1)(three)]{options}>>");
    assert_eq!(text(&list, &[]).await, "Name:\none\nthree");
}

#[tokio::test]
async fn boxes_show_whether_they_are_checked() {
    let on = stream(APPEARANCE, "BT /F 12 Tf 0 5 Td (x) Tj ET");
    let states = "/FT/Btn/AP<</N<</Yes 6 0 R>>>>";
    assert_eq!(text(&field(&format!("{states}/AS/Yes")), std::slice::from_ref(&on)).await, "Name: x");
    assert_eq!(text(&field(&format!("{states}/AS/Off")), &[on]).await, "Name:");
    // Its mark is drawn, or there is none.
    let lines = stream(APPEARANCE, "0 0 m 10 10 l S");
    assert_eq!(text(&field(&format!("{states}/AS/Yes")), &[lines]).await, "Name: ✔");
    assert_eq!(text(&field("/FT/Btn/AS/Yes"), &[]).await, "Name: ✔");
    assert_eq!(text(&field("/FT/Btn/AS/Off"), &[]).await, "Name:");
}

#[tokio::test]
async fn what_is_not_shown_is_not_read() {
    let appearance = stream(APPEARANCE, "BT /F 12 Tf 0 5 Td (Ada) Tj ET");
    for annotation in [
        field("/FT/Tx/V(Ada)/F 2"),
        field("/FT/Tx/V(Ada)/F 32"),
        field("/FT/Tx/V(Ada)/F 2/AP<</N 6 0 R>>"),
        // A password.
        field("/FT/Tx/V(secret)/Ff 8192"),
        field("/FT/Tx/DV(default)"),
        field("/FT/Sig/V<</Name(Ada)>>"),
        field("/V(Ada)"),
        "<</Type/Annot/Subtype/Text/Rect[120 695 320 715]/Contents(note)>>".to_owned(),
        "<</Type/Annot/Subtype/Link/Rect[120 695 320 715]/Contents(link)/A<</S/URI/URI(https://a.example)>>>>"
            .to_owned(),
    ] {
        assert_eq!(text(&annotation, std::slice::from_ref(&appearance)).await, "Name:", "{annotation}");
    }
}

#[tokio::test]
async fn a_comment_on_the_page_is_read_once() {
    let comment = "<</Type/Annot/Subtype/FreeText/Rect[120 695 320 715]/Contents(checked)";
    assert_eq!(text(&format!("{comment}>>"), &[]).await, "Name: checked");
    let appearance = stream(APPEARANCE, "BT /F 12 Tf 0 5 Td (checked) Tj ET");
    assert_eq!(text(&format!("{comment}/AP<</N 6 0 R>>>>"), &[appearance]).await, "Name: checked");
}

/// Threat 55
#[tokio::test]
async fn a_value_that_many_fields_share_is_read_up_to_the_limit() {
    let around = format!("<</FT/Tx/V({})>>", "x".repeat(1024 * 1024));
    let kids = vec![field("/Parent 6 0 R"); 5000].concat();
    assert!(text(&kids, &[around.into()]).await.len() <= domain::limits::FILE_TEXT_BYTES);
}
