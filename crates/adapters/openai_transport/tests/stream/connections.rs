//! What becomes of an answer if its connection behaves oddly.

use std::error::Error;
use std::time::Duration;

use domain::{FailureKind, ReportedUsage};
use futures_util::StreamExt;
use openai_wire::{ChatDecoder, Redaction};
use ports::ModelEvent;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::raw_server::RawServer;
use crate::{CallResult, HEAD, HI, LONG, PATHS, SHORT, STOP, at_once, open};

const DONE: &str = "data: [DONE]\n\n";
const USAGE: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"total_tokens\":11}}\n\n";

async fn call(pieces: &[&str]) -> CallResult {
    let server = RawServer::start(at_once(pieces)).await;
    crate::call(&server.base_url, PATHS[0], LONG).await
}

async fn is_hi(pieces: &[&str]) {
    let (said, error) = call(pieces).await;
    assert!(error.is_none(), "{pieces:?}: {error:?}");
    assert_eq!(said, "Hi", "{pieces:?}");
}

#[tokio::test]
async fn a_complete_answer_needs_no_orderly_end_of_its_body() {
    let events = [HI, STOP, DONE].concat();
    let chunk = format!("{:x}\r\n{events}\r\n", events.len());
    let head = |line: &str| format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{line}\r\n\r\n");
    is_hi(&[HEAD, &events]).await;
    // The last chunk is missing, or no chunk, or what follows is none.
    is_hi(&[&head("Transfer-Encoding: chunked"), &chunk]).await;
    is_hi(&[&head("transfer-encoding: Chunked"), &chunk, "nonsense\r\n"]).await;
    is_hi(&[&head("Content-Length: 5\r\nTransfer-Encoding: chunked"), &chunk, "0\r\n\r\n"]).await;
    is_hi(&[&head("Transfer-Encoding: identity"), &events]).await;
    let extended = format!("{:x};name=value\r\n{events}\r\n0\r\nTrailer: yes\r\n\r\n", events.len());
    is_hi(&[&head("Transfer-Encoding: chunked\r\nTrailer: Trailer"), &extended]).await;
    // Longer or shorter than it says.
    is_hi(&[&head("Content-Length: 100000"), &events]).await;
    is_hi(&[&head(&format!("Content-Length: {}", events.len() - 1)), &events]).await;
    // HTTP/1.0 without a length.
    is_hi(&["HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", &events]).await;
    is_hi(&["HTTP/1.0 200 OK\r\n\r\n", &events]).await;
}

#[tokio::test]
async fn a_reset_after_the_answer_does_no_harm_and_before_it_truncates() {
    for (events, is_complete) in [([HI, STOP, DONE].concat(), true), (HI.to_owned(), false)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answer = format!("{head}{:x}\r\n{events}\r\n", events.len());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let _request = connection.read(&mut request).await.unwrap();
            connection.write_all(answer.as_bytes()).await.unwrap();
            // A reset throws away what the client has not read by then.
            tokio::time::sleep(Duration::from_millis(500)).await;
            // Closing with a linger time of zero resets the connection.
            connection.set_zero_linger().unwrap();
        });
        let (said, error) = crate::call(&base_url, PATHS[0], LONG).await;
        assert_eq!(said, "Hi");
        let failure = error.map(|error| error.failure());
        assert_eq!(failure, (!is_complete).then_some(FailureKind::Truncated));
    }
}

#[tokio::test]
async fn usage_comes_before_a_failure_of_the_connection() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n";
    let hang = (Duration::from_secs(30), Vec::new());
    let mut hanging = at_once(&[head, HI, USAGE]);
    hanging.push(hang);
    for (pieces, timeouts, failure) in
        [(at_once(&[head, HI, USAGE]), LONG, FailureKind::Truncated), (hanging, SHORT, FailureKind::TimedOut)]
    {
        let server = RawServer::start(pieces).await;
        let decoder = ChatDecoder::new(Redaction::default());
        let events = open(&server.base_url, PATHS[0], decoder, timeouts).await.unwrap();
        let mut events: Vec<_> = events.collect().await;
        assert_eq!(events.pop().unwrap().unwrap_err().failure(), failure);
        let usage = ReportedUsage { input: Some(9), cached_input: 0, output: Some(2), reasoning: 0 };
        assert_eq!(events.pop().unwrap().unwrap(), ModelEvent::Usage { usage, cost: None });
        assert_eq!(events.len(), 1);
    }
}

#[tokio::test]
async fn a_compressed_stream_is_not_asked_for_and_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 64 * 1024];
        let length = connection.read(&mut request).await.unwrap();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        connection
            .write_all(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x49\x2c\x49\n\xb4")
            .await
            .unwrap();
        String::from_utf8_lossy(&request[..length]).to_lowercase()
    });
    let (said, error) = crate::call(&base_url, PATHS[0], LONG).await;
    let error = error.unwrap();
    assert_eq!((said.as_str(), error.failure()), ("", FailureKind::Broken));
    assert!(error.source().unwrap().to_string().contains("compressed"), "{:?}", error.source());
    assert!(server.await.unwrap().contains("accept-encoding: identity\r\n"));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_where_it_leads() {
    let elsewhere = RawServer::start(at_once(&[HEAD, HI, STOP, DONE])).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("{}/chat/completions?secret=canary", elsewhere.base_url);
        let head = format!(
            "HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let (_, error) = call(&[&head]).await;
        let error = error.unwrap();
        assert_eq!(error.failure(), FailureKind::Broken, "{status}");
        let words = error.source().unwrap().to_string();
        assert!(words.contains(&format!("redirects to {}", elsewhere.base_url)), "{words}");
        assert!(!words.contains("canary"), "{words}");
    }
    assert_eq!(elsewhere.calls(), 0);
}
