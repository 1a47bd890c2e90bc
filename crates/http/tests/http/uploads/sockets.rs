//! Uploads over sockets: what is not read, and when the response is sent.

use std::time::Duration;

use ports::Access;

use super::{LIMIT, TYPE, UPLOAD, file, form, pdf, taking, with_session};
use crate::support::setup;
use crate::support::sockets::{Client, serve};

fn head(credentials: &str, length: &str) -> String {
    format!("POST {UPLOAD} HTTP/1.1\r\nhost: x\r\ncontent-type: {TYPE}\r\n{credentials}{length}\r\n\r\n")
}

const BY_ALICE: &str = "authorization: Bearer alice\r\n";

/// Threat 59
#[actix_web::test]
async fn the_body_of_an_unauthenticated_request_is_not_read() {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, _| Ok(Access::Foreign));
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let refused = |credentials: &'static str, length: &'static str, status: &'static str| async move {
        let mut client = Client::send(address, &head(credentials, length)).await;
        let answer = client.until_closed().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{length} {credentials}: {answer}");
    };
    let (long, chunked) = ("content-length: 104857600", "transfer-encoding: chunked");
    let garbled = "authorization: Bearer x\r\n";
    tokio::join!(
        refused("", long, "401"),
        refused("", chunked, "401"),
        refused(garbled, long, "401"),
        refused(garbled, chunked, "401"),
        refused(BY_ALICE, long, "404"),
        refused(BY_ALICE, chunked, "404"),
    );
}

/// A body without a length that is read to its end leaves its connection open.
#[actix_web::test]
async fn a_chunked_body_is_read_like_any_other() {
    let (settings, services) = taking(None).ready();
    let address = serve(settings, services).await;
    let body = String::from_utf8(form(&[file(&pdf(100))])).unwrap();
    let chunked = head(BY_ALICE, "transfer-encoding: chunked");
    let upload = format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let mut client = Client::send(address, &upload.repeat(2)).await;
    let answer = client.until("File uploaded successfully\"}HTTP/1.1 200 OK").await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{answer}");
}

/// S1-39, Threat 56
#[actix_web::test]
async fn a_file_that_is_too_large_is_refused_before_its_end() {
    let (settings, services) = with_session().ready();
    let address = serve(settings, services).await;
    let begin = "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n%PDF-";
    let content = format!("{begin}{}", "a".repeat(LIMIT));
    let chunked = head(BY_ALICE, "transfer-encoding: chunked");
    let mut client = Client::send(address, &format!("{chunked}{:x}\r\n{content}", content.len() + 1)).await;
    let answer = client.until("file_too_large").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let declared = head(BY_ALICE, "content-length: 104857600");
    let answer = Client::send(address, &declared).await.until("file_too_large").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[actix_web::test]
async fn a_slow_upload_is_408() {
    let mut setup = with_session();
    setup.settings.body_timeout = Duration::ZERO;
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let begun = format!("{}--x\r\n", head(BY_ALICE, "content-length: 1000"));
    let answer = Client::send(address, &begun).await.until("request_timeout").await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}
