//! The answers of the provider.

use std::error::Error;
use std::fmt::Write;
use std::sync::Arc;

use domain::{Delta, FinishReason, ModelName, ModelRequest, Reply, ReportedUsage, ResponseId};
use futures_util::StreamExt;
use omnichat_openai::{OpenAi, OpenAiApi};
use ports::{LanguageModel, ModelError, ModelEvent};
use serde_json::json;
use testkit::FakeLlm;
use testkit::fake_llm::{Figures, InjectedFault, Reply as Scripted};

use crate::requests::user;
use crate::{KEY, provider};

const BOTH: [OpenAiApi; 2] = [OpenAiApi::Responses, OpenAiApi::Chat];

fn hi() -> Arc<ModelRequest> {
    let model = ModelName::parse("gpt-4o").unwrap();
    Arc::new(ModelRequest { model, instructions: None, messages: vec![user("Hi")], options: Arc::default() })
}

/// Returns the reply, the usage and the end.
async fn whole(provider: &OpenAi) -> (Reply, ReportedUsage, ModelEvent) {
    let mut events = provider.stream(hi()).await.unwrap();
    let mut reply = Reply::default();
    let mut reported = ReportedUsage::default();
    let mut end = None;
    while let Some(event) = events.next().await {
        match event.unwrap() {
            ModelEvent::Delta(delta) => reply.push(delta),
            ModelEvent::Usage { usage, .. } => reported = usage,
            ModelEvent::ServedBy(_) => panic!("only a fail-over says so"),
            finished @ ModelEvent::Finished { .. } => assert!(end.replace(finished).is_none()),
        }
    }
    (reply, reported, end.unwrap())
}

#[tokio::test]
async fn an_answer_is_read_to_its_end() {
    for api in BOTH {
        let server = FakeLlm::start().await;
        let figures = Figures { input: 10, cached: 4, output: 15, reasoning: 5, cost: None };
        server.script(Scripted::pieces(["Hel", "lo ", "[DONE]", "\n\ndata: 👍"]).figures(figures));
        let (reply, usage, end) = whole(&provider(&server, api)).await;
        assert_eq!(reply.text(), "Hello [DONE]\n\ndata: 👍", "{api:?}");
        assert_eq!(reply.len(), 4);
        let expected = ReportedUsage { input: Some(10), cached_input: 4, output: Some(15), reasoning: 5 };
        assert_eq!(usage, expected, "{api:?}");
        let response = match api {
            OpenAiApi::Responses => ResponseId::parse("resp_1".to_owned()),
            OpenAiApi::Chat => None,
        };
        assert_eq!(end, ModelEvent::Finished { response, reason: FinishReason::Stop }, "{api:?}");
        assert_eq!(server.call_count(), 1);
    }
}

#[tokio::test]
async fn reasons_refusals_reasoning_and_tool_calls_are_decoded() {
    for api in BOTH {
        let server = FakeLlm::start().await;
        let provider = provider(&server, api);

        server.script(Scripted::text("a b").finishing("length"));
        let (_, _, end) = whole(&provider).await;
        assert!(matches!(end, ModelEvent::Finished { reason: FinishReason::Length, .. }), "{api:?}");

        server.script(Scripted::refusal("No, I will not."));
        let (reply, _, _) = whole(&provider).await;
        assert!(matches!(reply.delta(0), Some(Delta::Refusal(_))), "{api:?}: {reply:?}");

        server.script(Scripted::text("yes").thinking("hm well"));
        let (reply, _, _) = whole(&provider).await;
        assert!(matches!(reply.delta(0), Some(Delta::Reasoning(_))), "{api:?}: {reply:?}");
        assert_eq!(reply.text(), "yes");

        server.script(Scripted::tool_call("sum", ["{\"a\"", ":1}"]));
        let (reply, _, end) = whole(&provider).await;
        assert!(matches!(end, ModelEvent::Finished { reason: FinishReason::ToolCalls, .. }), "{api:?}");
        assert_eq!(reply.len(), 1, "{api:?}: {reply:?}");
        assert!(matches!(reply.delta(0), Some(Delta::ToolCall { name, .. }) if name == "sum"));
    }
}

#[tokio::test]
async fn checking_the_key_costs_no_tokens() {
    let server = FakeLlm::start().await;
    let provider = provider(&server, OpenAiApi::Responses);
    provider.check().await.unwrap();
    server.require_key("another");
    assert!(matches!(provider.check().await, Err(ModelError::Refused(_))));
    assert!(server.calls().iter().all(|call| call.method == "GET" && call.path == "/v1/models"));
}

#[tokio::test]
async fn a_key_that_the_provider_echoes_is_not_in_the_error() {
    let server = FakeLlm::start().await;
    let message = format!("Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}");
    let body = json!({"error": {"message": message, "type": KEY, "code": KEY}});
    for code in [400, 401, 429, 500] {
        let headers = vec![("x-echo".to_owned(), KEY.to_owned())];
        server.script(Scripted::fault(InjectedFault::Status { code, body: body.clone(), headers }));
        let error = provider(&server, OpenAiApi::Chat).stream(hi()).await.err().unwrap();
        let mut seen = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            write!(seen, " {cause} {cause:?}").unwrap();
            source = cause.source();
        }
        assert!(!seen.contains(KEY), "{seen}");
        assert!(!error.to_string().contains("Incorrect"), "{error}");
    }
    assert!(!format!("{:?}", provider(&server, OpenAiApi::Chat)).contains(KEY));
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = FakeLlm::start().await;
    let settings = omnichat_openai::OpenAiSettings {
        api_key: String::new().into(),
        base_url: format!("{}/", server.base_url()),
        api: OpenAiApi::Chat,
        timeouts: openai_transport::Timeouts::default(),
        fields: openai_transport::FieldSettings::default(),
    };
    whole(&OpenAi::new(crate::client(), settings)).await;
    assert_eq!(server.calls()[0].header("authorization"), None);
    assert_eq!(server.calls()[0].path, "/v1/chat/completions");
}
