//! Contract S1: files for a session.

mod sockets;

use std::sync::{Arc, Mutex};

use actix_web::test::TestRequest;
use domain::{File, FileNumber, NewFile, UserId};
use ports::{Access, BlobError, Extracted, ExtractionError, MockBlobs, MockTextExtractor};
use serde_json::json;

use crate::support::{Read, Setup, TestApp, by_alice, conversation, granted, now, setup, start};

const UPLOAD: &str = "/api/chat/sessions/7/upload";
const TYPE: &str = "multipart/form-data; boundary=x";
const LIMIT: usize = 1024 * 1024;

fn with_session() -> Setup {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, key| Ok(granted(&key, conversation())));
    setup
}

/// A session that accepts every PDF as one with five pages, and a storage with this URL.
fn taking(link: Option<&'static str>) -> Setup {
    reading(Extracted { pages: 5, pages_read: 5, text: "Hello".to_owned() }, link)
}

/// A session that accepts every PDF as this one, and a storage with this URL.
fn reading(extracted: Extracted, link: Option<&'static str>) -> Setup {
    let mut setup = with_session();
    setup.extractor.expect_extract().returning(move |_| Ok(extracted.clone()));
    setup.files.expect_reserve().returning(|_, _| Ok(()));
    setup.blobs.expect_put().returning(|_, _, _| Ok(()));
    setup.blobs.expect_link().returning(move |_, _| Ok(link.map(str::to_owned)));
    setup.files.expect_attach().returning(|user, file| {
        assert_eq!(user, UserId(1));
        Ok(Access::Granted(kept(file)))
    });
    setup
}

fn kept(file: NewFile) -> File {
    let NewFile { conversation, blob, name, size, pages, pages_read, text, at: _ } = file;
    File { number: FileNumber(1), conversation, blob, name, size, pages, pages_read, text, created_at: now() }
}

/// A part with this disposition and content.
fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--x\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn file(content: &[u8]) -> Vec<u8> {
    part("name=\"file\"; filename=\"document.pdf\"", content)
}

fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), b"--x--\r\n".to_vec()].concat()
}

fn pdf(bytes: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.resize(bytes, b'\n');
    pdf
}

fn request(content_type: &str, body: Vec<u8>) -> TestRequest {
    let request = by_alice(TestRequest::post().uri(UPLOAD));
    request.insert_header(("content-type", content_type)).set_payload(body)
}

async fn send(app: &TestApp, body: Vec<u8>) -> Read {
    app.call(request(TYPE, body)).await
}

/// S1-37, S1-41, C-30
#[actix_web::test]
async fn an_upload_has_the_documented_body() {
    for link in [None, Some("https://bucket.example.com/1?X-Amz-Expires=900")] {
        let app = start(taking(link)).await;
        let answer = send(&app, form(&[file(&pdf(1024))])).await;
        let mut metadata = json!({"page_count": 5, "pages_read": 5, "has_text": true});
        if let Some(link) = link {
            metadata["url"] = link.into();
        }
        let file = json!({"id": 1, "filename": "document.pdf", "file_size": 1024,
            "mime_type": "application/pdf", "extracted_text": "Hello", "metadata": metadata});
        let expected = json!({"file": file, "message": "File uploaded successfully"});
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
}

/// C-33: a file without text is accepted, and the response says so.
#[actix_web::test]
async fn a_file_without_text_and_one_that_is_read_in_part_are_accepted() {
    for (pages_read, text, has_text) in [(5, "", false), (5, " \n\n", false), (500, "Hello", true)] {
        let extracted = Extracted { pages: 501, pages_read, text: text.to_owned() };
        let answer = send(&start(reading(extracted, None)).await, form(&[file(&pdf(1024))])).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["message"]), (200, &json!("File uploaded successfully")));
        assert_eq!(body["file"]["extracted_text"], text);
        let metadata = json!({"page_count": 501, "pages_read": pages_read, "has_text": has_text});
        assert_eq!(body["file"]["metadata"], metadata);
    }
}

/// S1-38
#[actix_web::test]
async fn the_bytes_decide_whether_it_is_a_pdf() {
    let app = start(taking(None)).await;
    let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"notes.txt\"\r\n\
        Content-Type: text/plain\r\n\r\n";
    let named_otherwise = [head.as_bytes(), &pdf(100), b"\r\n"].concat();
    assert_eq!(send(&app, form(&[named_otherwise])).await.status, 200);
    let late = [vec![b' '; 1020], pdf(100)].concat();
    for content in [&b"Hello"[..], b"", b"PK\x03\x04", b"<html>", b"MZ", &late] {
        let answer = send(&app, form(&[file(content)])).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "not_a_pdf"), "{content:.20?}");
        assert_eq!(answer.json()["error"]["param"], "file");
    }
}

/// S1-39, Threat 56
#[actix_web::test]
async fn the_largest_file_is_accepted_and_one_byte_more_is_not() {
    let app = start(taking(None)).await;
    let note = || part("name=\"note\"", b"a note");
    for fitting in [form(&[file(&pdf(LIMIT))]), form(&[note(), file(&pdf(LIMIT)), note()])] {
        let answer = send(&app, fitting).await;
        assert_eq!((answer.status, &answer.json()["file"]["file_size"]), (200, &json!(LIMIT)));
    }
    let padded = part("name=\"note\"", &vec![b' '; LIMIT + 64 * 1024]);
    for larger in [
        form(&[file(&pdf(LIMIT + 1))]),
        form(&[note(), file(&pdf(LIMIT + 1))]),
        form(&[file(&pdf(3 * LIMIT))]),
        form(&[padded.clone(), file(&pdf(100))]),
        form(&[file(&pdf(100)), padded]),
    ] {
        let answer = send(&app, larger).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "file_too_large"));
        assert_eq!(answer.json()["detail"], "The file is larger than 1 MB");
    }
    let declared = request(TYPE, Vec::new()).insert_header(("content-length", 100 * LIMIT));
    assert_eq!(app.call(declared).await.code(), "file_too_large");
}

#[actix_web::test]
async fn other_fields_are_ignored() {
    let app = start(taking(None)).await;
    let other = || part("name=\"description\"", b"--x is no boundary here\r\n--");
    let unnamed = || part("name=\"other\"; filename=\"other.pdf\"", b"%PDF-other");
    let orders = [
        form(&[other(), unnamed(), file(&pdf(100))]),
        form(&[file(&pdf(100)), other(), unnamed()]),
        form(&[other(), file(&pdf(100)), unnamed()]),
    ];
    for body in orders {
        let answer = send(&app, body).await;
        assert_eq!((answer.status, &answer.json()["file"]["file_size"]), (200, &json!(100)));
    }
}

/// Threat 52
#[actix_web::test]
async fn a_form_has_at_most_sixteen_parts_and_one_file() {
    let app = start(taking(None)).await;
    let with = |others: usize| form(&[part("name=\"a\"", b"1").repeat(others), file(&pdf(100))]);
    assert_eq!(send(&app, with(15)).await.status, 200);
    let two = form(&[file(&pdf(100)), file(&pdf(100))]);
    for body in [with(16), with(10_000), two] {
        let answer = send(&app, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_form"));
    }
}

/// S1-41, C-5
#[actix_web::test]
async fn a_form_without_a_file_is_422_and_another_body_400() {
    let app = start(with_session()).await;
    let others = [
        form(&[]),
        form(&[part("name=\"other\"; filename=\"document.pdf\"", &pdf(100))]),
        form(&[part("name=\"File\"", &pdf(100))]),
    ];
    for body in others {
        let answer = send(&app, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"));
        assert_eq!(answer.json()["detail"], "file is required");
    }
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    for content_type in [
        "application/json",
        "application/pdf",
        "application/x-www-form-urlencoded",
        "nonsense",
        "multipart/mixed; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=y",
        &long,
    ] {
        let answer = app.call(request(content_type, form(&[file(&pdf(100))]))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_form"), "{content_type}");
    }
    let bare = app.call(by_alice(TestRequest::post().uri(UPLOAD))).await;
    assert_eq!((bare.status, bare.code().as_str()), (400, "invalid_form"));
    let compressed = request(TYPE, vec![0x1f, 0x8b, 8, 0]).insert_header(("content-encoding", "gzip"));
    assert_eq!(app.call(compressed).await.status, 400);
}

/// Threat 52
#[actix_web::test]
async fn a_boundary_of_seventy_characters_is_accepted() {
    let app = start(taking(None)).await;
    let boundary = "x".repeat(70);
    let body = String::from_utf8(form(&[file(&pdf(100))])).unwrap().replace("--x", &format!("--{boundary}"));
    let content_type = format!("multipart/form-data; boundary={boundary}");
    assert_eq!(app.call(request(&content_type, body.into_bytes())).await.status, 200);
}

/// Threat 52, Threat 57
#[actix_web::test]
async fn an_incomplete_or_invalid_form_is_400() {
    let app = start(with_session()).await;
    let whole = form(&[part("name=\"note\"", b"1"), file(&pdf(20))]);
    for end in 0..whole.len() - 2 {
        let answer = send(&app, whole[..end].to_vec()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_form"), "{end}");
    }
    let headed = |headers: &str| {
        let head = format!("--x\r\n{headers}\r\n\r\n");
        [head.as_bytes(), &pdf(20), b"\r\n--x--\r\n"].concat()
    };
    let disposition = "Content-Disposition: form-data; name=\"file\"";
    let dashes = "-".repeat(1_000_000);
    for body in [
        headed("Content-Type: application/pdf"),
        headed("Content-Disposition: form-data"),
        headed("Content-Disposition: attachment; name=\"file\""),
        headed("Content-Disposition: form-data; name=\"file"),
        headed("no header"),
        headed(&format!("{disposition}\r\nX-Long: {}", "a".repeat(100_000))),
        headed(&format!("{disposition}{}", "\r\nX-Many: a".repeat(40))),
        headed(&format!("{disposition}\r\nContent-Type: multipart/mixed; boundary=y")),
        headed(&format!("{disposition}\r\nContent-Length: x")),
        headed(&format!("{disposition}\r\nContent-Length: 1000")),
        headed(&format!("{disposition}\r\nContent-Length: 3")),
        format!("--x{dashes}\r\n").into_bytes(),
        [file(&pdf(20)), format!("--x{dashes}").into_bytes()].concat(),
        dashes.into_bytes(),
        vec![b'\r'; 500_000],
        vec![b'\n'; 500_000],
    ] {
        let answer = send(&app, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_form"));
    }
}

/// Threat 54, Threat 68
#[actix_web::test]
async fn the_filename_of_the_client_is_only_data() {
    let mut setup = taking(None);
    setup.blobs = MockBlobs::new();
    setup.blobs.expect_link().returning(|_, _| Ok(None));
    let keys = Arc::new(Mutex::new(Vec::new()));
    let put = Arc::clone(&keys);
    setup.blobs.expect_put().returning(move |key, _, media_type| {
        assert_eq!(media_type, "application/pdf");
        put.lock().unwrap().push(key.to_string());
        Ok(())
    });
    let app = start(setup).await;
    let long = format!("filename=\"{}.pdf\"", "n".repeat(4096));
    let cut = "n".repeat(255);
    for (parameter, shown) in [
        ("filename=\"../../etc/passwd\"", "passwd"),
        ("filename=\"..%2f..%2fpasswd\"", "..%2f..%2fpasswd"),
        ("filename=\"C:/x/report.pdf\"", "report.pdf"),
        ("filename=\"a\\\"b.pdf\"", "a\"b.pdf"),
        ("filename=\"a%0d%0aX-Evil: 1.pdf\"", "a%0d%0aX-Evil: 1.pdf"),
        ("filename*=nonsense", "document.pdf"),
        ("filename=\"b.pdf\"; filename*=nonsense", "b.pdf"),
        ("filename*=UTF-8''a%0d%0aX-Evil%3a%201%00.pdf", "aX-Evil: 1.pdf"),
        ("filename=\"a\tb.pdf\"", "ab.pdf"),
        ("filename=\"b.pdf\"; filename*=UTF-8''%c3%a4.pdf", "ä.pdf"),
        ("filename=\"b.pdf\"; filename*=iso-8859-1''%e4.pdf", "ä.pdf"),
        ("filename=\"余.pdf\"", "余.pdf"),
        ("filename=\"a\u{202e}fdp.exe\"", "afdp.exe"),
        ("filename=\"\"", "document.pdf"),
        ("x=y", "document.pdf"),
        (long.as_str(), cut.as_str()),
    ] {
        let answer = send(&app, form(&[part(&format!("name=\"file\"; {parameter}"), &pdf(100))])).await;
        assert_eq!(answer.status, 200, "{parameter:.60}: {}", answer.text());
        assert_eq!(answer.json()["file"]["filename"], shown, "{parameter:.60}");
        assert_eq!(answer.header("x-evil"), "");
    }
    for key in keys.lock().unwrap().iter() {
        let uuid = key.strip_prefix("uploads/1/7/").and_then(|rest| rest.strip_suffix(".pdf"));
        assert!(uuid.is_some_and(|uuid| uuid::Uuid::try_parse(uuid).is_ok()), "{key}");
    }
}

/// S1-23, S1-41, Threat 3
#[actix_web::test]
async fn an_unknown_or_foreign_session_is_404_and_an_invalid_number_422() {
    let mut setup = setup();
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Absent));
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Foreign));
    let app = start(setup).await;
    for _ in ["absent", "foreign"] {
        let answer = send(&app, form(&[file(&pdf(100))])).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"));
        assert_eq!(answer.json()["detail"], "Chat session not found");
    }
    for number in ["abc", "7.0", crate::support::UUID] {
        let path = format!("/api/chat/sessions/{number}/upload");
        let request = by_alice(TestRequest::post().uri(&path)).insert_header(("content-type", TYPE));
        let answer = app.call(request.set_payload(form(&[file(&pdf(100))]))).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{number}");
        assert_eq!(answer.json()["error"]["param"], "session_id");
    }
}

/// C-33
#[actix_web::test]
async fn a_file_that_cannot_be_read_or_stored_has_an_error() {
    let failures: [(fn() -> ExtractionError, _, _); 5] = [
        (|| ExtractionError::Encrypted, 400, "pdf_encrypted"),
        (|| ExtractionError::Unreadable, 400, "pdf_unreadable"),
        (|| ExtractionError::TooComplex, 400, "pdf_too_complex"),
        (|| ExtractionError::Busy, 503, "files_busy"),
        (|| ExtractionError::Failed("secret".into()), 500, "internal_error"),
    ];
    for (error, status, code) in failures {
        let mut setup = with_session();
        setup.extractor = MockTextExtractor::new();
        setup.extractor.expect_extract().returning(move |_| Err(error()));
        let answer = send(&start(setup).await, form(&[file(&pdf(100))])).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("retry-after").is_empty(), status != 503);
        assert!(!answer.text().contains("secret"));
    }
    let mut setup = taking(None);
    setup.blobs = MockBlobs::new();
    setup.blobs.expect_link().returning(|_, _| Ok(None));
    setup.blobs.expect_put().returning(|_, _, _| Err(BlobError::Unavailable("secret host".into())));
    let away = send(&start(setup).await, form(&[file(&pdf(100))])).await;
    assert_eq!((away.status, away.code().as_str()), (503, "storage_unavailable"));
    assert!(!away.text().contains("secret"));
}
