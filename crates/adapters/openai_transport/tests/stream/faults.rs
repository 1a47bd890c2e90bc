//! Faults of the provider.

use std::time::{Duration, Instant};

use domain::FailureKind;
use futures_util::StreamExt;
use omnichat_openai_transport::Timeouts;
use openai_wire::{ChatDecoder, Decoder, Redaction};
use ports::{ModelError, ModelEvent, Retry};
use testkit::FakeLlm;
use testkit::fake_llm::{CallEnd, ErrorForm, InjectedFault, Place, Reply};

use crate::{CallResult, LONG, PATHS, SHORT, call, open, outcome};

/// The result of a call with this reply, for each API. There is always exactly one call.
async fn answered(reply: Reply, timeouts: Timeouts) -> Vec<CallResult> {
    let mut outcomes = Vec::new();
    for path in PATHS {
        let server = FakeLlm::start().await;
        server.script(reply.clone());
        outcomes.push(call(&server.base_url(), path, timeouts).await);
        assert_eq!(server.call_count(), 1, "{path}: {reply:?}");
    }
    outcomes
}

async fn fails(reply: Reply, said: &str, failure: FailureKind) {
    let is_silence = failure == FailureKind::TimedOut;
    for (text, error) in answered(reply.clone(), if is_silence { SHORT } else { LONG }).await {
        let found = error.map(|error| error.failure());
        assert_eq!((text.as_str(), found), (said, Some(failure)), "{reply:?}");
    }
}

async fn succeeds(reply: Reply, said: &str) {
    for (text, error) in answered(reply.clone(), LONG).await {
        assert!(error.is_none(), "{reply:?}: {error:?}");
        assert_eq!(text, said, "{reply:?}");
    }
}

#[tokio::test]
async fn unusual_but_valid_streams_are_read() {
    for fault in [InjectedFault::ByteOrderMark, InjectedFault::CrLf, InjectedFault::SingleBytes] {
        succeeds(Reply::text("é 👍 \u{2028}\r\n[DONE]").with(fault), "é 👍 \u{2028}\r\n[DONE]").await;
    }
    succeeds(Reply::echo().slowly(Duration::from_millis(50)), "You said: one two three").await;
    succeeds(Reply::empty(), "").await;
}

#[tokio::test]
async fn every_error_status_is_classified() {
    for (code, failure) in [
        (400, FailureKind::Rejected),
        (401, FailureKind::Unauthorized),
        (404, FailureKind::Rejected),
        (500, FailureKind::Unavailable),
        (503, FailureKind::Unavailable),
        (529, FailureKind::RateLimited),
    ] {
        fails(Reply::fault(InjectedFault::status(code)), "", failure).await;
    }
}

#[tokio::test]
async fn the_pause_of_a_busy_provider_is_read() {
    for (_, error) in answered(Reply::fault(InjectedFault::rate_limited(7)), LONG).await {
        assert_eq!(error.unwrap().retry(), Retry::After(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_silent_provider_times_out() {
    let before = Instant::now();
    tokio::join!(
        fails(Reply::fault(InjectedFault::HangBeforeHeaders), "", FailureKind::TimedOut),
        fails(Reply::fault(InjectedFault::HangAfter(Place::Events(0))), "", FailureKind::TimedOut),
        fails(Reply::fault(InjectedFault::HangAfter(Place::Words(2))), "You said: ", FailureKind::TimedOut),
    );
    assert!(before.elapsed() < SHORT.total / 2, "{:?}", before.elapsed());
}

#[tokio::test]
async fn an_answer_ends_at_the_total_timeout() {
    let server = FakeLlm::start().await;
    // This would take a minute.
    server.script(Reply::text(&"a ".repeat(600)).slowly(Duration::from_millis(100)));
    let timeouts = Timeouts { total: Duration::from_millis(1_500), ..LONG };
    let before = Instant::now();
    let (said, error) = call(&server.base_url(), "responses", timeouts).await;
    assert!(said.starts_with("a "), "{said}");
    assert!(matches!(error, Some(ModelError::TimedOut)));
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
}

#[tokio::test]
async fn an_error_under_status_200_is_an_error() {
    let server = FakeLlm::start().await;
    for (path, forms) in [
        (PATHS[0], [ErrorForm::InChunk, ErrorForm::WithoutChoices, ErrorForm::Bare]),
        (PATHS[1], [ErrorForm::ResponseFailed, ErrorForm::ErrorEvent, ErrorForm::Bare]),
    ] {
        for form in forms {
            server.script(Reply::fault(InjectedFault::ErrorAfter(Place::Words(1), form)));
            let (said, error) = call(&server.base_url(), path, LONG).await;
            assert_eq!(said, "You ", "{form:?}");
            assert_eq!(error.unwrap().failure(), FailureKind::Broken, "{form:?}");
        }
    }
    assert_eq!(server.call_count(), 6);
}

#[tokio::test]
async fn an_unreadable_event_breaks_the_answer() {
    fails(Reply::fault(InjectedFault::MalformedAfter(Place::Words(2))), "You said: ", FailureKind::Broken)
        .await;
    fails(Reply::fault(InjectedFault::EndlessLineAfter(Place::Words(2))), "You said: ", FailureKind::Broken)
        .await;
}

#[tokio::test]
async fn a_whole_answer_instead_of_a_stream_is_taken() {
    let reply = Reply::fault(InjectedFault::JsonInsteadOfStream);
    succeeds(reply.clone(), "You said: one two three").await;
    fails(reply.with(InjectedFault::CutAfter(Place::Bytes(100))), "", FailureKind::Truncated).await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_broken() {
    let word = "x".repeat(900_000);
    let reply = Reply::pieces(std::iter::repeat_n(word.as_str(), 20));
    for (said, error) in answered(reply, LONG).await {
        assert!(said.len() < 17_000_000);
        assert_eq!(error.unwrap().failure(), FailureKind::Broken);
    }
}

#[tokio::test]
async fn dropping_the_stream_ends_the_call_at_once() {
    let server = FakeLlm::start().await;
    server.script(Reply::fault(InjectedFault::HangAfter(Place::Words(1))));
    let decoder = ChatDecoder::new(Redaction::default());
    let mut events = open(&server.base_url(), PATHS[0], decoder, Timeouts::default()).await.unwrap();
    events.next().await.unwrap().unwrap();
    drop(events);
    server.wait_until_idle().await;
    assert!(matches!(server.calls()[0].end, Some(CallEnd::ClosedByClient { after }) if after.as_secs() < 30));
}

#[tokio::test]
async fn dropping_the_call_before_the_headers_ends_it() {
    let server = FakeLlm::start().await;
    server.script(Reply::fault(InjectedFault::HangBeforeHeaders));
    let base_url = server.base_url();
    let decoder = ChatDecoder::new(Redaction::default());
    let opening = open(&base_url, PATHS[0], decoder, Timeouts::default());
    assert!(tokio::time::timeout(Duration::from_millis(200), opening).await.is_err());
    server.wait_until_idle().await;
}

#[tokio::test]
async fn a_panic_in_the_reader_is_an_error() {
    struct Panics;
    impl Decoder for Panics {
        fn push(&mut self, _: &str, _: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
            panic!("scripted");
        }
        fn end(&mut self, _: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
            Ok(())
        }
        fn began(&self) -> bool {
            false
        }

        fn is_over(&self) -> bool {
            false
        }
    }
    let server = FakeLlm::start().await;
    let events = open(&server.base_url(), PATHS[0], Panics, LONG).await.unwrap();
    let (_, error) = outcome(events).await;
    assert!(matches!(error, Some(ModelError::Broken(_))));
}
