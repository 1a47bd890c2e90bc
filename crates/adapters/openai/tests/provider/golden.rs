//! The requests to the provider, compared field by field with the files in `tests/golden`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use omnichat_openai::OpenAiApi;
use ports::LanguageModel;
use serde_json::{Map, Value};
use testkit::FakeLlm;

use crate::{KEY, provider, requests};

#[tokio::test]
async fn requests_to_the_responses_api_match_the_golden_files() {
    compare("responses", OpenAiApi::Responses, "/v1/responses").await;
}

#[tokio::test]
async fn requests_to_chat_completions_match_the_golden_files() {
    compare("chat", OpenAiApi::Chat, "/v1/chat/completions").await;
}

async fn compare(wire: &str, api: OpenAiApi, path: &str) {
    let server = FakeLlm::start().await;
    let provider = provider(&server, api);
    for (name, request) in requests::all() {
        let before = server.call_count();
        drop(provider.stream(Arc::new(request)).await.unwrap());
        let calls = server.calls();
        assert_eq!(calls.len(), before + 1, "{name}: one call");
        let call = calls.last().unwrap();
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", path), "{name}");
        assert_eq!(call.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(call.header("content-type"), Some("application/json"));
        assert_eq!(call.header("accept"), Some("text/event-stream"));
        assert_eq!(call.header("last-event-id"), None);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{wire}_{name}.json"));
        let golden: Map<String, Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let sent = call.body.as_object().unwrap();
        for (field, expected) in &golden {
            assert_eq!(sent.get(field), Some(expected), "{wire}, {name}: {field}");
        }
        for field in sent.keys() {
            assert!(golden.contains_key(field), "{wire}, {name}: {field} is sent and not in the file");
        }
    }
}
