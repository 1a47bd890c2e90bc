//! Responses that ordinary servers do not send.

use std::time::{Duration, Instant};

use domain::FailureKind;
use omnichat_openai_transport::{Timeouts, check, stream};
use openai_wire::{ChatDecoder, Redaction};
use ports::ModelError;

use crate::raw_server::{Pieces, RawServer};
use crate::{CallResult, HEAD, HI, LONG, SHORT, STOP, at_once, client};

async fn call(pieces: Pieces, timeouts: Timeouts) -> CallResult {
    let server = RawServer::start(pieces).await;
    let outcome = crate::call(&server.base_url, "chat/completions", timeouts).await;
    assert_eq!(server.calls(), 1);
    outcome
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_complete_after_a_reason() {
    let (said, error) = call(at_once(&[HEAD, HI, STOP]), LONG).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said, "Hi");
    let (said, error) = call(at_once(&[HEAD, HI]), LONG).await;
    assert_eq!((said.as_str(), error.unwrap().failure()), ("Hi", FailureKind::Truncated));
    // Many servers never send a reason.
    let (said, error) = call(at_once(&[HEAD, HI, "data: [DONE]\n\n"]), LONG).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said, "Hi");
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_truncated_even_after_a_reason() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100000\r\n\r\n";
    let (said, error) = call(at_once(&[head, HI, STOP]), LONG).await;
    assert_eq!((said.as_str(), error.unwrap().failure()), ("Hi", FailureKind::Truncated));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let events = [HI, STOP, "data: [DONE]\n\n"].concat();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("{head}{:x}\r\n{events}", events.len());
    let late_end = (Duration::from_millis(20), b"\r\n0\r\n\r\n".to_vec());
    let server = RawServer::start(vec![(Duration::ZERO, body.into_bytes()), late_end]).await;
    let client = client();
    // A connection serves another call as soon as the client has read the late end of the one before.
    let mut calls = 0;
    while server.calls() == calls {
        assert!(calls < 100, "each call opens a connection");
        calls += 1;
        let request = client.post(format!("{}/chat/completions", server.base_url)).body("{}");
        let decoder = ChatDecoder::new(Redaction::default());
        let events = stream(request, decoder, LONG, &Redaction::default()).await.unwrap();
        assert!(crate::outcome(events).await.1.is_none());
    }
}

#[tokio::test]
async fn comments_extend_the_idle_timeout() {
    let mut pieces = at_once(&[HEAD]);
    // Together they last for longer than the timeout.
    pieces.extend(vec![(Duration::from_millis(200), b": PROCESSING\n\n".to_vec()); 10]);
    pieces.extend(at_once(&[HI, STOP, "data: [DONE]\n\n"]));
    let (said, error) = call(pieces, SHORT).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(said, "Hi");
}

#[tokio::test]
async fn comments_alone_are_not_an_answer() {
    let mut pieces = at_once(&[HEAD]);
    // They would go on for a minute.
    pieces.extend(vec![(Duration::from_millis(50), b": PROCESSING\n\n".to_vec()); 1_200]);
    let before = Instant::now();
    let (_, error) = call(pieces, Timeouts { total: Duration::from_millis(600), ..LONG }).await;
    assert!(matches!(error, Some(ModelError::TimedOut)));
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[tokio::test]
async fn no_bytes_make_the_reader_panic() {
    let noise: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let mut pieces = at_once(&[HEAD]);
    pieces.push((Duration::ZERO, noise));
    pieces.extend(at_once(&["\n\n", "data: \u{feff}{}\n\n"]));
    let (_, error) = call(pieces, LONG).await;
    assert!(error.is_some());
}

#[tokio::test]
async fn many_events_at_once_arrive_completely_and_in_order() {
    let mut body = String::from(HEAD);
    let mut expected = String::new();
    for number in 0..20_000 {
        let word = format!("{number} ");
        body.push_str(&HI.replace("Hi", &word));
        expected.push_str(&word);
    }
    body.push_str(STOP);
    let (said, error) = call(at_once(&[&body]), LONG).await;
    assert!(error.is_none(), "{error:?}");
    assert!(said == expected);
}

#[tokio::test]
async fn a_body_that_is_no_stream_is_classified() {
    for (head, body, failure) in [
        (
            "200 OK\r\nContent-Type: application/json",
            r#"{"error":{"code":429,"message":"slow"}}"#,
            FailureKind::RateLimited,
        ),
        ("200 OK\r\nContent-Type: application/json", r#"{"choices":[]}"#, FailureKind::Broken),
        ("200 OK\r\nContent-Type: text/html", "<html>", FailureKind::Broken),
        ("200 OK\r\nX-No: type", "", FailureKind::Truncated),
        ("201 Created\r\nContent-Type: text/event-stream", HI, FailureKind::Truncated),
        ("206 Partial Content\r\nContent-Type: text/event-stream", HI, FailureKind::Broken),
        ("204 No Content\r\nX-No: body", "", FailureKind::Broken),
        ("502 Bad Gateway\r\nContent-Type: text/html", "<html>", FailureKind::Unavailable),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}");
        let (_, error) = call(at_once(&[&answer]), LONG).await;
        assert_eq!(error.unwrap().failure(), failure, "{head}");
    }
}

#[tokio::test]
async fn an_endless_error_body_is_not_read() {
    let mut pieces = at_once(&["HTTP/1.1 500 No\r\nConnection: close\r\n\r\n"]);
    pieces.extend(vec![(Duration::ZERO, vec![b'x'; 64 * 1024]); 1_000]);
    let (_, error) = call(pieces, LONG).await;
    assert_eq!(error.unwrap().failure(), FailureKind::Unavailable);
}

#[tokio::test]
async fn an_unreachable_provider_is_unavailable_and_its_address_is_not_shown() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let base_url = format!("http://{gone}/v1");
    let (_, error) = crate::call(&base_url, "responses", LONG).await;
    let error = error.unwrap();
    assert_eq!(error.failure(), FailureKind::Unavailable);
    assert_eq!(error.to_string(), "the provider is not available");
    let checked = check(client().get(format!("{base_url}/models")), &Redaction::default()).await;
    assert!(matches!(checked, Err(ModelError::Unavailable(_))));
}

#[tokio::test]
async fn a_response_that_is_not_http_is_unavailable() {
    let (_, error) = call(at_once(&["what?\r\n\r\n"]), LONG).await;
    assert_eq!(error.unwrap().failure(), FailureKind::Unavailable);
}
