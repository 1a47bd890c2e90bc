//! Files of conversations, on disk and in an object store.

use serde_json::{Value, json};
use testkit::S3Server;

use crate::support::files::{files_below, pdf, session, upload, upload_as};
use crate::support::persona_chat::{held, send};
use crate::support::{App, Store, on_both_stores, on_sqlite_alone, sql, wait_until};

on_both_stores!(
    a_pdf_is_context_of_every_contract,
    a_file_name_need_not_be_utf8,
    files_are_kept_on_disk_and_go_with_their_conversation,
    files_are_kept_in_a_bucket_and_go_with_their_conversation,
    a_deleted_session_is_gone_in_every_contract,
    sessions_are_private,
);
on_sqlite_alone!(
    conversations_go_on_while_the_object_store_cannot_be_reached,
    a_file_that_is_no_readable_pdf_is_refused_and_leaves_nothing,
    a_file_has_at_most_ten_mebibytes,
    a_file_is_a_pdf_by_its_bytes_alone,
);

/// S1-37, S1-40
async fn a_file_name_need_not_be_utf8(store: Store) {
    let app = App::start(store).await;
    let alice = app.user("alice").await;
    let bytes = pdf("The canary sings at noon");
    for (name, shown) in [
        (&b"r\xe9sum\xe9.pdf"[..], "r\u{e9}sum\u{e9}.pdf"),
        (b"a.pdf\"; filename*=\"iso-8859-1''r%E9sum%E9.pdf", "r\u{e9}sum\u{e9}.pdf"),
        (b"a.pdf\"; filename*=\"nonsense", "a.pdf"),
        (b"\xff/\xfe\x80.pdf", "\u{fe}.pdf"),
        ("r\u{e9}sum\u{e9}.pdf".as_bytes(), "r\u{e9}sum\u{e9}.pdf"),
    ] {
        let session = session(&alice).await;
        let body = upload(&alice, session, name, &bytes).await.ok();
        assert_eq!(body["file"]["filename"], shown);
        alice.post("/chat", json!({"input": "When?", "conversation_id": session})).await.ok();
        let told = app.llm.calls().into_iter().rev().find_map(|call| {
            call.messages().into_iter().map(|(_, text)| text).find(|text| text.contains("canary"))
        });
        assert!(told.unwrap().starts_with(&format!("<file name=\"{shown}\">")));
    }
}

/// S1-29, S1-37, S1-40, S1-55, S1-57
async fn a_pdf_is_context_of_every_contract(store: Store) {
    let app = App::start(store).await;
    let alice = app.user("alice").await;
    let begun = alice.post("/v1/chat/sessions", json!({"model": "gpt-4o"})).await.ok();
    let time = begun["created_at"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    let shown = json!({"id": 1, "user_id": alice.id, "application_id": null, "model": "gpt-4o",
        "title": "New conversation", "messages": [], "created_at": time, "updated_at": time});
    assert_eq!(begun, shown);
    let bytes = pdf("The canary sings at noon");
    let body = upload(&alice, 1, "document.pdf", &bytes).await.ok();
    assert_eq!(body["message"], "File uploaded successfully");
    let file = &body["file"];
    assert_eq!(file["id"], 1);
    assert_eq!(file["filename"], "document.pdf");
    assert_eq!(file["file_size"], bytes.len());
    assert_eq!(file["mime_type"], "application/pdf");
    assert_eq!(file["extracted_text"].as_str().unwrap().trim(), "The canary sings at noon");
    assert_eq!(
        file["metadata"],
        json!({"page_count": 1, "pages_read": 1, "has_text": true}),
        "files on disk have no address"
    );

    let listed = alice.get("/conversation").await.ok();
    let id = listed[0]["id"].as_str().unwrap();
    alice.say(id, "When does it sing?").await.ok();
    alice.post(&format!("/conversation/completion/{id}"), json!({"message": "And again?"})).await.ok();
    alice.post("/chat", json!({"input": "Once more?", "conversation_id": id})).await.ok();
    let calls = app.llm.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        let told = call.messages().into_iter().find(|(_, text)| text.contains("The canary sings at noon"));
        let (role, text) = told.expect("the model is told what the file says");
        assert_eq!(role, "user");
        assert!(text.starts_with("<file name=\"document.pdf\">") && text.ends_with("</file>"), "{text}");
    }
    let history = alice.history(id).await;
    assert_eq!(history.len(), 6);
    assert!(!history.join("\n").contains("canary"), "a file is no message");
}

/// S1-34, S1-35
async fn files_are_kept_on_disk_and_go_with_their_conversation(store: Store) {
    let app = App::start(store).await;
    let alice = app.user("alice").await;
    let files = app.data.path().join("data/files");
    let session = session(&alice).await;
    let bytes = pdf("one");
    upload(&alice, session, "../../etc/passwd", &bytes).await.ok();
    upload(&alice, session, "two.pdf", &pdf("two")).await.ok();
    let kept = files_below(&files);
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().any(|path| std::fs::read(path).unwrap() == bytes));
    let of_session = files.join(format!("uploads/{}/{session}", alice.id));
    assert!(kept.iter().all(|path| path.parent() == Some(&of_session)), "{kept:?}");

    let path = format!("/v1/chat/sessions/{session}");
    let deleted = alice.delete(&path).await.ok();
    assert_eq!(deleted["message"], "Session deleted successfully");
    alice.delete(&path).await.is_error(404, "conversation_not_found");
    upload(&alice, session, "x.pdf", &bytes).await.is_error(404, "conversation_not_found");
    wait_until("no file is left", async || files_below(&files).is_empty()).await;
}

fn s3(bucket: &str, server: &S3Server) -> [(&'static str, String); 6] {
    [
        ("S3_ENABLED", "true".to_owned()),
        ("S3_ENDPOINT", server.endpoint()),
        ("S3_ACCESS_KEY", "access".to_owned()),
        ("S3_SECRET_KEY", "secret-canary-6b1f".to_owned()),
        ("S3_BUCKET", bucket.to_owned()),
        ("S3_URL_EXPIRATION", "86400".to_owned()),
    ]
}

async fn start_on(store: Store, settings: &[(&'static str, String)]) -> App {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    App::start_with(store, &settings).await
}

/// S0-3, S0-57, S1-35
async fn files_are_kept_in_a_bucket_and_go_with_their_conversation(store: Store) {
    let server = S3Server::shared();
    let bucket = server.bucket();
    let app = start_on(store, &s3(&bucket, server)).await;
    let alice = app.user("alice").await;
    let health = app.probe("/health").await.ok();
    assert_eq!((&health["status"], &health["checks"]["storage"]), (&json!("healthy"), &json!("connected")));

    let persona = alice.post("/personas", json!({"name": "Alex", "relation_type": "friend"})).await.ok();
    let body = json!({"title": "With a file", "persona_id": persona["id"]});
    let conversation = alice.post("/chat/conversations", body).await.ok()["id"].as_i64().unwrap();
    let bytes = pdf("kept far away");
    let file = upload(&alice, conversation, "far.pdf", &bytes).await.ok()["file"].take();
    let link = file["metadata"]["url"].as_str().expect("an object has an address");
    assert!(link.starts_with(&format!("{}/{bucket}/uploads/", server.endpoint())), "{link}");
    assert!(link.contains("X-Amz-Expires=86400") && !link.contains("secret-canary"), "{link}");
    let read = app.http.get(link).send().await.unwrap();
    assert_eq!(read.headers()["content-type"], "application/pdf");
    assert!(read.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert_eq!(read.bytes().await.unwrap(), bytes);
    let key = link.split_once(&format!("{bucket}/")).unwrap().1.split_once('?').unwrap().0;
    assert!(files_below(&app.data.path().join("data/files")).is_empty());

    alice.delete(&format!("/personas/{}", persona["id"])).await.ok();
    wait_until("the object is gone", async || server.object(&bucket, key).is_none()).await;
    assert!(!app.log().contains("secret-canary"), "the log holds the key");
}

/// S0-44; F43
async fn conversations_go_on_while_the_object_store_cannot_be_reached(store: Store) {
    let server = S3Server::start();
    let bucket = server.bucket();
    let app = start_on(store, &s3(&bucket, &server)).await;
    let alice = app.user("alice").await;
    let session = session(&alice).await;
    upload(&alice, session, "before.pdf", &pdf("before")).await.ok();
    server.stop();

    let mut health = Value::Null;
    wait_until("the service is degraded", async || {
        health = app.probe("/health").await.ok();
        health["status"] == "degraded"
    })
    .await;
    let checks = json!({"database": "connected", "storage": "disconnected", "llm": "configured"});
    assert_eq!(health["checks"], checks);
    app.probe("/health/ready").await.ok();
    let refused = upload(&alice, session, "during.pdf", &pdf("during")).await;
    refused.is_error(503, "storage_unavailable");
    assert!(!refused.header("retry-after").is_empty());

    let id = alice.get("/conversation").await.ok()[0]["id"].as_str().unwrap().to_owned();
    alice.say(&id, "Still there?").await.ok();
    let prompt = app.llm.calls().pop().unwrap().body.to_string();
    assert!(prompt.contains("before.pdf") && !prompt.contains("during.pdf"), "{prompt}");
    alice.delete(&format!("/v1/chat/sessions/{session}")).await.ok();
}

/// S1-38, S1-39, S1-41
async fn a_file_that_is_no_readable_pdf_is_refused_and_leaves_nothing(store: Store) {
    let app = App::start_with(store, &[("MAX_PDF_SIZE_MB", "1")]).await;
    let alice = app.user("alice").await;
    let session = session(&alice).await;
    let mut large = pdf("large");
    large.resize(1024 * 1024 + 1, b' ');
    let cases: [(&[u8], &str); 5] = [
        (b"just text", "not_a_pdf"),
        (b"", "not_a_pdf"),
        (b"PK\x03\x04 zip", "not_a_pdf"),
        (b"%PDF-1.7 and nothing of one", "pdf_unreadable"),
        (&large, "file_too_large"),
    ];
    for (bytes, code) in cases {
        upload(&alice, session, "x.pdf", bytes).await.is_error(400, code);
    }
    large.truncate(1024 * 1024);
    upload(&alice, session, "large.pdf", &large).await.ok();
    assert_eq!(files_below(&app.data.path().join("data/files")).len(), 1);
    upload(&alice, 4711, "x.pdf", &pdf("x")).await.is_error(404, "conversation_not_found");
}

/// S1-39, Threat 56
async fn a_file_has_at_most_ten_mebibytes(store: Store) {
    const LIMIT: usize = 10 * 1024 * 1024;
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let session = session(&ann).await;
    let mut file = pdf("large");
    file.resize(LIMIT + 1, b' ');
    upload(&ann, session, "large.pdf", &file).await.is_error(400, "file_too_large");
    file.truncate(LIMIT);
    assert_eq!(upload(&ann, session, "large.pdf", &file).await.ok()["file"]["file_size"], LIMIT);
}

/// S1-38, Threat 53. A document that is a web page, too, is kept as a PDF alone.
async fn a_file_is_a_pdf_by_its_bytes_alone(store: Store) {
    let server = S3Server::shared();
    let bucket = server.bucket();
    let app = start_on(store, &s3(&bucket, server)).await;
    let ann = app.user("ann").await;
    let session = session(&ann).await;
    let page = b"<!DOCTYPE html><script>alert(1)</script>".as_slice();
    for bytes in
        [page, b"MZ\x90\0 program", b"PK\x03\x04 archive", b"\x7fELF", b"GIF89a", b"{\\rtf1 text}", b"%PD"]
    {
        let refused = upload_as(&ann, session, "report.pdf", "application/pdf", bytes).await;
        refused.is_error(400, "not_a_pdf");
    }
    let mut both = pdf("The canary sings at noon");
    both.extend(page);
    for (name, content_type) in
        [("page.html", "text/html"), ("page.svg", "image/svg+xml"), ("page.pdf", "nonsense")]
    {
        let file = upload_as(&ann, session, name, content_type, &both).await.ok()["file"].take();
        assert_eq!((&file["filename"], &file["mime_type"]), (&json!(name), &json!("application/pdf")));
        assert_eq!(file["extracted_text"].as_str().unwrap().trim(), "The canary sings at noon");
        let link = file["metadata"]["url"].as_str().unwrap();
        assert!(link.contains(".pdf?"), "{link}");
        let read = app.http.get(link).send().await.unwrap();
        assert_eq!(read.headers()["content-type"], "application/pdf");
        assert!(read.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    }
    // With the page in front, the positions in the document are wrong: it is refused, or read as a PDF.
    let behind = [page, &pdf("The canary sings at noon")].concat();
    let answer = upload_as(&ann, session, "page.html", "text/html", &behind).await;
    match answer.status {
        200 => assert_eq!(answer.json()["file"]["mime_type"], "application/pdf"),
        _ => answer.is_error(400, "pdf_unreadable"),
    }
}

/// S1-35, C-20
async fn a_deleted_session_is_gone_in_every_contract(store: Store) {
    let app = App::start(store).await;
    let ann = held(&app).await;
    send(&ann, 1, "hi").await.ok();
    upload(&ann, 1, "document.pdf", &pdf("The canary sings at noon")).await.ok();
    let uuid = ann.get("/conversation").await.ok()[0]["id"].as_str().unwrap().to_owned();
    let calls = app.llm.call_count();
    ann.delete("/v1/chat/sessions/1").await.ok();
    for table in ["conversations", "messages", "turns", "turn_chunks", "files"] {
        assert_eq!(sql(&app, &format!("SELECT count(*) FROM omnichat.{table}")), ["0"], "{table}");
    }
    let conv = format!("conv_{}", uuid.replace('-', ""));
    let turn = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}], "session_id": 1});
    let found = [
        ann.get(&format!("/conversations/{conv}")).await,
        ann.get(&format!("/conversations/{uuid}/messages")).await,
        ann.patch(&format!("/conversations/{uuid}"), json!({"title": "mine"})).await,
        ann.delete(&format!("/conversations/{uuid}?soft=false")).await,
        ann.post_nothing(&format!("/conversations/{uuid}/restore")).await,
        ann.post("/chat", json!({"input": "hi", "conversation_id": conv})).await,
        ann.say(&uuid, "hi").await,
        ann.post(&format!("/conversation/completion/{uuid}"), json!({"message": "hi"})).await,
        ann.get("/chat/conversations/1").await,
        ann.get("/chat/conversations/1/messages").await,
        send(&ann, 1, "hi").await,
        ann.post("/v1/chat/stream", turn).await,
        ann.post("/v1/chat/switch-model", json!({"session_id": 1, "model": "gpt-4"})).await,
        upload(&ann, 1, "document.pdf", &pdf("again")).await,
        ann.delete("/v1/chat/sessions/1").await,
    ];
    for answer in found {
        answer.is_error(404, "conversation_not_found");
    }
    for list in ["/conversation", "/chat/conversations", &format!("/conversations?user_id={}", ann.id)] {
        assert_eq!(ann.get(list).await.ok(), json!([]), "{list}");
    }
    assert_eq!(ann.get("/v1/chat/history").await.ok()["total"], 0);
    assert_eq!(app.llm.call_count(), calls);
}

/// S1-2, S1-54, Threat 3, Threat 7
async fn sessions_are_private(store: Store) {
    let app = App::start(store).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let session = session(&alice).await;
    upload(&bob, session, "x.pdf", &pdf("x")).await.is_error(404, "conversation_not_found");
    bob.delete(&format!("/v1/chat/sessions/{session}")).await.is_error(404, "conversation_not_found");
    upload(&bob.signed_out(), session, "x.pdf", &pdf("x")).await.is_error(401, "invalid_token");
    let listed = alice.get("/conversation").await.ok();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let conversation: &Value = &listed[0];
    alice.say(conversation["id"].as_str().unwrap(), "Hello").await.ok();
    assert!(!app.llm.calls()[0].body.to_string().contains("<file"));
}
