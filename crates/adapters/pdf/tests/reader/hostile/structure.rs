//! Documents whose objects, tables and trees are broken or lie.

use super::Outcome::{Answered, Reads, Unreadable};
use super::random::Random;
use super::{CATALOG, Case, FONT, PAGES, TEXT, check, objects, page};
use crate::support::{pdf, read, stream};

const PAGE: &str = "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>";

/// C-33, Threat 55
#[tokio::test]
async fn bytes_that_are_not_a_document_are_unreadable() {
    let whole = page("", TEXT, &[]);
    let table = whole.windows(4).position(|word| word == b"xref").unwrap();
    check(vec![
        ("nothing", b"".to_vec(), Unreadable),
        ("a mark alone", b"%PDF-".to_vec(), Unreadable),
        ("a web page", b"%PDF-1.7\n<html><script>alert(1)</script></html>".to_vec(), Unreadable),
        ("noise", [b"%PDF-1.7\n".to_vec(), Random::new(1).noise(100_000)].concat(), Unreadable),
        ("the start of a document", whole[..40].to_vec(), Unreadable),
        // The objects are found without the table.
        ("a document without its table", whole[..table].to_vec(), Reads("text")),
    ])
    .await;
}

/// Threat 55
#[tokio::test]
async fn trees_of_pages_that_never_end() {
    let tree = |pages: &str| {
        pdf(&[CATALOG.into(), pages.to_owned().into_bytes(), PAGE.into(), stream("", TEXT), FONT.into()])
    };
    let deep: Vec<Vec<u8>> = (0..50_000)
        .map(|number| format!("<</Type/Pages/Kids[{} 0 R]/Count 1>>", number + 7).into_bytes())
        .collect();
    let looping_parent = "<</Type/Pages/Kids[3 0 R]/Count 1/Parent 2 0 R/Resources 2 0 R>>";
    check(vec![
        ("the tree in itself", tree("<</Type/Pages/Kids[3 0 R 2 0 R]/Count 2/Parent 2 0 R>>"), Reads("text")),
        ("nothing but itself", tree("<</Type/Pages/Kids[2 0 R]/Count 1>>"), Answered),
        ("its own parent", tree(looping_parent), Reads("text")),
        ("a count that lies", tree("<</Type/Pages/Kids[3 0 R]/Count 2147483647>>"), Reads("text")),
        ("a negative count", tree("<</Type/Pages/Kids[3 0 R]/Count -1>>"), Reads("text")),
        ("a page of itself", tree("<</Type/Pages/Kids[3 0 R 3 0 R 3 0 R]/Count 3>>"), Answered),
        (
            "fifty thousand levels",
            objects(
                &[CATALOG.into(), PAGES.replace('3', "6").into(), PAGE.into(), stream("", TEXT), FONT.into()],
                &deep,
            ),
            Answered,
        ),
        (
            "kids of a million",
            tree(&format!("<</Type/Pages/Kids[{}]/Count 1000000>>", "3 0 R ".repeat(1_000_000))),
            Answered,
        ),
    ])
    .await;
}

/// Threat 55
#[tokio::test]
async fn a_hundred_thousand_pages_end() {
    let kids: Vec<String> = (0..100_000).map(|page| format!("{} 0 R", page + 3)).collect();
    let mut objects =
        vec![CATALOG.to_owned(), format!("<</Type/Pages/Kids[{}]/Count 100000>>", kids.join(" "))];
    objects.extend(std::iter::repeat_n("<</Type/Page/Parent 2 0 R>>".to_owned(), 100_000));
    check(vec![("blank pages", pdf(&objects), Reads(""))]).await;
}

/// A document of an object, and of what is here a table of objects.
fn with_table(entries: &str, content: &[u8]) -> Vec<u8> {
    let mut document = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_vec();
    let start = document.len();
    document.extend(b"3 0 obj\n");
    document.extend(stream(&format!("/Type/XRef/Root 1 0 R{entries}"), content));
    document.extend(format!("\nendobj\nstartxref\n{start}\n%%EOF\n").bytes());
    document
}

/// Threat 55
#[tokio::test]
async fn tables_of_objects_that_never_end() {
    let whole = String::from_utf8(page("", TEXT, &[])).unwrap();
    let table = whole.find("xref").unwrap();
    let replaced = |from: &str, to: &str| whole.replacen(from, to, 1).into_bytes();
    let far = format!("startxref\n{}", u64::MAX);
    check(vec![
        ("refers to itself", replaced("/Root", &format!("/Prev {table}/XRefStm {table}/Root")), Answered),
        ("countless entries", replaced("xref\n0 6", "xref\n0 4294967295"), Answered),
        ("negative entries", replaced("xref\n0 6", "xref\n-9 6"), Answered),
        ("far away", replaced(&format!("startxref\n{table}"), &far), Answered),
        ("a root of itself", replaced("/Root 1 0 R", "/Root 9 0 R"), Answered),
        ("a length of itself", replaced("/Length 34", "/Length 4 0 R"), Answered),
        ("a length without end", replaced("/Length 34", "/Length 9223372036854775807"), Answered),
        ("a negative length", replaced("/Length 34", "/Length -1"), Answered),
        ("no bytes", with_table("/Size 3/W[0 0 0]/Index[0 9223372036854775807]", b""), Answered),
        ("many of no bytes", with_table("/Size 3/W[0 0 0]/Index[0 4294967295]", b"x"), Answered),
        ("too many bytes", with_table("/Size 3/W[8 8 8]/Index[0 9]", &[0xff; 240]), Answered),
        ("huge bytes", with_table("/Size 3/W[2147483647 2147483647 2147483647]", b"x"), Answered),
        ("negative bytes", with_table("/Size -3/W[-1 -1 -1]/Index[-5 -7]", b"x"), Answered),
        (
            "objects in themselves",
            with_table("/Size 4/W[1 1 1]/Index[0 4]", &[2, 3, 0, 2, 3, 1, 2, 3, 2, 2, 3, 3]),
            Answered,
        ),
    ])
    .await;
}

/// Threat 55
#[tokio::test]
async fn streams_of_objects_that_lie() {
    let contained = |entries: &str, content: &[u8]| {
        let mut document = b"%PDF-1.7\n".to_vec();
        document.extend(b"4 0 obj\n");
        document.extend(stream(&format!("/Type/ObjStm{entries}"), content));
        document.extend(b"\nendobj\n");
        let table = document.len();
        let place = [1, 0, 9, 0];
        let entries = [[0; 4], [2, 0, 4, 0], [2, 0, 4, 1], [2, 0, 4, 2], place].concat();
        document.extend(b"5 0 obj\n");
        document.extend(stream("/Type/XRef/Size 5/W[1 2 1]/Root 1 0 R", entries));
        document.extend(format!("\nendobj\nstartxref\n{table}\n%%EOF\n").bytes());
        document
    };
    // The second object begins at byte 29 and the third at byte 64, counted from the first, which is at byte 14.
    let inner =
        b"1 0 2 29 3 64 <</Type/Catalog/Pages 2 0 R>><</Type/Pages/Kids[3 0 R]/Count 1>><</Type/Page>>";
    let cases: Vec<Case> = vec![
        ("as it should be", contained("/N 3/First 14", inner), Reads("")),
        ("countless objects", contained("/N 2147483647/First 14", inner), Answered),
        ("a first beyond the end", contained("/N 3/First 4294967295", inner), Answered),
        ("negative", contained("/N -3/First -14", inner), Answered),
        ("extends itself", contained("/N 3/First 14/Extends 4 0 R", inner), Answered),
        ("of no length", contained("/N 3/First 14/Length 0", inner), Answered),
    ];
    check(cases).await;
}

/// Threat 55
#[tokio::test]
async fn deeply_nested_arrays_before_anything_else() {
    let deep = format!("%PDF-1.7\n{}", "[<<".repeat(1_000_000));
    let read = read(deep.as_bytes()).await;
    assert!(read.is_err(), "{read:?}");
}
