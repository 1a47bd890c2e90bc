//! The answers of the provider.

use std::sync::Arc;

use domain::{Delta, FailureKind, FinishReason, ModelRequest, NanoDollars, ReportedUsage};
use futures_util::StreamExt;
use ports::{LanguageModel, ModelError, ModelEvent};
use serde_json::json;
use testkit::FakeLlm;
use testkit::fake_llm::{ErrorForm, Figures, Flavour, InjectedFault, Place, Reply};

use crate::{provider, requests};

fn question() -> Arc<ModelRequest> {
    Arc::new(requests::all().remove(0).1)
}

#[tokio::test]
async fn an_answer_has_its_cost() {
    let server = FakeLlm::start_as(Flavour::OpenRouter).await;
    let figures = Figures { input: 10, cached: 4, output: 15, reasoning: 0, cost: Some(0.000_14) };
    server.script(Reply::pieces(["Hel", "lo"]).figures(figures));
    let events: Vec<_> =
        provider(&server).stream(question()).await.unwrap().map(Result::unwrap).collect().await;
    let say = |text: &str| ModelEvent::Delta(Delta::Text(text.to_owned()));
    let usage = ReportedUsage { input: Some(10), cached_input: 4, output: Some(15), reasoning: 0 };
    let usage = ModelEvent::Usage { usage, cost: Some(NanoDollars(140_000)) };
    let end = ModelEvent::Finished { response: None, reason: FinishReason::Stop };
    assert_eq!(events, [say("Hel"), say("lo"), usage, end]);
    assert_eq!(server.call_count(), 1);
}

#[tokio::test]
async fn an_error_in_the_stream_ends_it() {
    for form in [ErrorForm::InChunk, ErrorForm::WithoutChoices, ErrorForm::Bare] {
        let server = FakeLlm::start_as(Flavour::OpenRouter).await;
        server.script(Reply::text("one two three").with(InjectedFault::ErrorAfter(Place::Words(2), form)));
        let events: Vec<_> = provider(&server).stream(question()).await.unwrap().collect().await;
        let (last, before) = events.split_last().unwrap();
        assert_eq!(before.len(), 2, "{form:?}");
        assert!(before.iter().all(Result::is_ok), "{form:?}");
        assert_eq!(last.as_ref().unwrap_err().failure(), FailureKind::Broken, "{form:?}");
        assert_eq!(server.call_count(), 1, "{form:?}");
    }
}

#[tokio::test]
async fn a_moderated_request_is_rejected() {
    let server = FakeLlm::start_as(Flavour::OpenRouter).await;
    let metadata = json!({"reasons": ["violence"], "flagged_input": "…"});
    let body = json!({"error": {"code": 403, "message": "flagged", "metadata": metadata}});
    server.script(Reply::fault(InjectedFault::Status { code: 403, body, headers: Vec::new() }));
    let error = provider(&server).stream(question()).await.err().unwrap();
    assert!(matches!(error, ModelError::Rejected(_)));
}

#[tokio::test]
async fn checking_the_key_costs_no_tokens() {
    let server = FakeLlm::start_as(Flavour::OpenRouter).await;
    let provider = provider(&server);
    provider.check().await.unwrap();
    server.require_key("another");
    assert!(matches!(provider.check().await, Err(ModelError::Refused(_))));
    assert!(server.calls().iter().all(|call| call.method == "GET" && call.path == "/v1/key"));
}

#[tokio::test]
async fn a_field_that_the_refusal_names_is_left_out_from_then_on() {
    let metadata = json!({"raw": "{\"detail\":[{\"loc\":[\"body\",\"stream_options\"],\"msg\":\"Extra inputs are not permitted\"}]}"});
    let body = json!({"error": {"code": 422, "message": "Provider returned error", "metadata": metadata}});
    // OpenRouter may have begun a stream before the provider behind it refuses the request.
    let in_stream = Reply::raw(&format!(": OPENROUTER PROCESSING\n\ndata: {body}\n\n"));
    let at_once = Reply::fault(InjectedFault::Status { code: 422, body, headers: Vec::new() });
    for refusal in [at_once, in_stream] {
        let server = FakeLlm::start_as(Flavour::OpenRouter).await;
        server.on(|call| call.body.get("stream_options").is_some(), refusal);
        let provider = provider(&server);
        for calls in [2, 3] {
            let events: Vec<_> = provider.stream(question()).await.unwrap().collect().await;
            assert!(events.iter().all(Result::is_ok), "{events:?}");
            assert_eq!(server.call_count(), calls);
        }
    }
}
