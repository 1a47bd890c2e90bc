//! Broken documents, by accident or on purpose.

use ports::{Extracted, ExtractionError};

use crate::support::{pdf, read, stream};

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
const PAGE: &str =
    "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</X0 6 0 R>>>>>>";
const FONT: &str = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>";
const TEXT: &str = "BT /F 12 Tf 72 700 Td (text) Tj ET";

/// A document of one page with this content; `further` objects are numbered from 6 on.
fn page(content: &str, further: &[Vec<u8>]) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> =
        vec![CATALOG.into(), PAGES.into(), PAGE.into(), stream("", content), FONT.into()];
    objects.extend_from_slice(further);
    pdf(&objects)
}

async fn is_unreadable(pdf: &[u8]) {
    let read = read(pdf).await;
    assert!(matches!(read, Err(ExtractionError::Unreadable)), "{read:?}");
}

async fn is_too_complex(pdf: &[u8]) {
    let read = read(pdf).await;
    assert!(matches!(read, Err(ExtractionError::TooComplex)), "{read:?}");
}

/// Checks that a document is read, with this number of pages and this text.
async fn says(pdf: &[u8], pages: u32, text: &str) {
    assert_eq!(read(pdf).await.unwrap(), Extracted { pages, text: text.to_owned() });
}

/// C-33
#[tokio::test]
async fn bytes_that_are_not_a_document_are_unreadable() {
    is_unreadable(b"").await;
    is_unreadable(b"%PDF-").await;
    is_unreadable(b"%PDF-1.7\n<html><script>alert(1)</script></html>").await;
    let mut noise = b"%PDF-1.7\n".to_vec();
    // A linear congruential generator: the same noise every time.
    let mut seed = 1_u32;
    noise.extend(
        std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .take(100_000),
    );
    is_unreadable(&noise).await;
}

#[tokio::test]
async fn a_truncated_document_is_unreadable() {
    let whole = page(TEXT, &[]);
    is_unreadable(&whole[..40]).await;
    // Without the table at the end, the library may still find the objects.
    let table = whole.windows(4).position(|word| word == b"xref").unwrap();
    let read = read(&whole[..table]).await;
    assert!(matches!(read, Ok(_) | Err(ExtractionError::Unreadable)), "{read:?}");
}

/// Threat 55
#[tokio::test]
async fn deeply_nested_arrays_do_not_overflow_the_stack() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for pdf in [page(TEXT, &[deep.clone().into()]), page(&format!("{deep} TJ {TEXT}"), &[])] {
        let read = read(&pdf).await;
        assert!(!matches!(read, Err(ExtractionError::Failed(_))), "{read:?}");
    }
}

#[tokio::test]
async fn a_form_that_draws_itself_is_drawn_once() {
    let form = stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", format!("{TEXT} /X0 Do"));
    says(&page("/X0 Do", &[form]), 1, "text").await;
}

/// Ten forms, each of which draws the next one a hundred times.
#[tokio::test]
async fn forms_that_multiply_are_too_complex() {
    let forms: Vec<Vec<u8>> = (0..10)
        .map(|form| {
            let next = format!("/Resources<</XObject<</X0 {} 0 R>>>>", form + 7);
            stream(&format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]{next}"), "/X0 Do ".repeat(100))
        })
        .collect();
    is_too_complex(&page("/X0 Do", &forms)).await;
}

/// A document that uses up the memory ends only its child.
#[tokio::test]
async fn a_table_of_all_characters_is_too_complex() {
    let font = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/ToUnicode 6 0 R>>";
    let table = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def
        1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange
        1 beginbfrange <00000000> <FFFFFFFE> <0041> endbfrange
        endcmap CMapName currentdict /CMap defineresource pop end end";
    let objects: [Vec<u8>; 6] =
        [CATALOG.into(), PAGES.into(), PAGE.into(), stream("", TEXT), font.into(), stream("", table)];
    is_too_complex(&pdf(&objects)).await;
}

/// Threat 55
#[tokio::test]
async fn a_tree_of_pages_that_holds_itself_ends() {
    let pages = "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 2/Parent 2 0 R>>";
    let read = read(&pdf(&[CATALOG.into(), pages.into(), PAGE.into(), stream("", TEXT), FONT.into()])).await;
    assert_eq!(read.unwrap().pages, 1);
    let pages = "<</Type/Pages/Kids[2 0 R]/Count 1>>";
    is_unreadable(&pdf(&[CATALOG, pages])).await;
}

/// Threat 55
#[tokio::test]
async fn a_page_is_one_of_five_hundred_at_most() {
    let document = |count: usize| {
        let kids: Vec<String> = (0..count).map(|page| format!("{} 0 R", page + 3)).collect();
        let kids = kids.join(" ");
        let mut objects = vec![CATALOG.to_owned(), format!("<</Type/Pages/Kids[{kids}]/Count {count}>>")];
        objects.extend(std::iter::repeat_n("<</Type/Page/Parent 2 0 R>>".to_owned(), count));
        pdf(&objects)
    };
    says(&document(500), 500, "").await;
    is_too_complex(&document(501)).await;
    is_too_complex(&document(100_000)).await;
}

/// Threat 55
#[tokio::test]
async fn a_table_of_objects_that_refers_to_itself_ends() {
    let whole = String::from_utf8(page(TEXT, &[])).unwrap();
    let table = whole.find("xref").unwrap();
    let looping = whole.replace("/Root", &format!("/Prev {table}/XRefStm {table}/Root"));
    let read = read(looping.as_bytes()).await;
    assert!(matches!(read, Ok(_) | Err(ExtractionError::Unreadable)), "{read:?}");
}

/// Threat 55: entries of no bytes, as many as there are numbers.
#[tokio::test]
async fn a_table_of_countless_entries_ends() {
    let mut pdf = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_vec();
    let start = pdf.len();
    let entries = "/Type/XRef/Size 3/Root 1 0 R/W[0 0 0]/Index[0 9223372036854775807]";
    pdf.extend(b"3 0 obj\n");
    pdf.extend(stream(entries, b""));
    pdf.extend(format!("\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
    let read = read(&pdf).await;
    assert!(matches!(read, Err(ExtractionError::Unreadable | ExtractionError::TooComplex)), "{read:?}");
}
