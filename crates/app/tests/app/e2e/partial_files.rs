//! Files without text, and files of which only the beginning is read: what the client and the model are told.

use serde_json::{Value, json};

use crate::support::files::{HELVETICA, document, session_with, upload};
use crate::support::{App, Store, User, on_both_stores};

on_both_stores!(
    a_file_without_text_says_so_to_the_client_and_the_model,
    of_a_long_document_the_first_500_pages_are_read,
    of_a_long_text_the_first_mebibyte_is_read,
);

/// A model whose window takes the longest text of a file.
const MODEL: &str = "gpt-4.1";
const UNREAD: &str = "[No text could be read from this file.]";

/// A font without a table of characters, and without a program that would have one.
const SILENT: &str = "<< /Type /Font /Subtype /Type0 /BaseFont /Silent /Encoding /Identity-H /DescendantFonts [\
    << /Type /Font /Subtype /CIDFontType2 /BaseFont /Silent \
    /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>] >>";

/// A font whose glyph `A` is seven Euro signs.
const LIGATURE: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica \
    /Encoding << /Differences [65 /uni20AC20AC20AC20AC20AC20AC20AC] >> >>";

/// Uploads a file to a new session and asks about it. Returns the file, and what the model is told of all files.
async fn uploaded(app: &App, user: &User, name: &str, pdf: &[u8]) -> (Value, String) {
    let session = session_with(user, MODEL).await;
    let mut body = upload(user, session, name, pdf).await.ok();
    assert_eq!(body["message"], "File uploaded successfully", "{name}");
    user.post("/chat", json!({"input": "What does it say?", "conversation_id": session})).await.ok();
    let messages = app.llm.calls().pop().unwrap().messages();
    let told = messages.into_iter().find(|(_, text)| text.contains("<file name="));
    let (role, told) = told.unwrap_or_else(|| panic!("the model is told that there is {name}"));
    assert_eq!(role, "user");
    (body["file"].take(), told)
}

fn enclosed(name: &str, text: &str) -> String {
    format!("<file name=\"{name}\">\n{text}\n</file>")
}

/// S1-37, S1-40, C-33
async fn a_file_without_text_says_so_to_the_client_and_the_model(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let image = "q 595 0 0 842 0 0 cm /X1 Do Q";
    let coded = "BT /F1 12 Tf 72 720 Td <002400250026> Tj ET";
    for (name, font, content) in
        [("scan.pdf", HELVETICA, image), ("blank.pdf", HELVETICA, ""), ("silent.pdf", SILENT, coded)]
    {
        let (file, told) = uploaded(&app, &user, name, &document(font, &[content, content])).await;
        assert_eq!(file["extracted_text"], "", "{name}");
        let metadata = json!({"page_count": 2, "pages_read": 2, "has_text": false});
        assert_eq!(file["metadata"], metadata, "{name}");
        assert_eq!(told, enclosed(name, UNREAD));
    }
}

/// S1-37, S1-40, C-33
async fn of_a_long_document_the_first_500_pages_are_read(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let pages: Vec<String> =
        (1..=501).map(|page| format!("BT /F1 12 Tf 72 720 Td (page {page}) Tj ET")).collect();
    let (file, told) = uploaded(&app, &user, "long.pdf", &document(HELVETICA, &pages)).await;
    assert_eq!(file["metadata"], json!({"page_count": 501, "pages_read": 500, "has_text": true}));
    let text = file["extracted_text"].as_str().unwrap();
    assert!(text.starts_with("page 1\n\npage 2\n\n") && text.ends_with("\n\npage 500"), "{text}");
    let note = "[Only the beginning of this file was read. It has 501 pages.]";
    assert_eq!(told, enclosed("long.pdf", &format!("{text}\n{note}")));
}

/// S1-37, S1-40
async fn of_a_long_text_the_first_mebibyte_is_read(store: Store) {
    const LIMIT: usize = 1024 * 1024;
    let app = App::start(store).await;
    let user = app.user("ann").await;
    // 40 lines of 16 words, each of seven Euro signs of three bytes. One glyph is a word, so that they are read in time on a
    // busy machine as well.
    let line = format!("({}) Tj T*", "A ".repeat(16));
    let page = format!("BT /F1 6 Tf 8 TL 20 800 Td {} ET", line.repeat(40));
    let pages = vec![page; 100];
    let (file, told) = uploaded(&app, &user, "wordy.pdf", &document(LIGATURE, &pages)).await;
    let text = file["extracted_text"].as_str().unwrap();
    assert!(
        text.starts_with("€€€€€€€ €€€€€€€") && (LIMIT - 2..=LIMIT).contains(&text.len()),
        "{}",
        text.len()
    );
    let metadata = &file["metadata"];
    let pages_read = metadata["pages_read"].as_u64().unwrap();
    assert!((60..100).contains(&pages_read), "{metadata}");
    assert_eq!((&metadata["page_count"], &metadata["has_text"]), (&json!(100), &json!(true)));
    let note = "[Only the beginning of this file was read. It has 100 pages.]";
    assert!(told == enclosed("wordy.pdf", &format!("{text}\n{note}")), "{}", told.len());
}
