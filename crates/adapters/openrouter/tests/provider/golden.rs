//! The requests to the provider, compared field by field with the files in `tests/golden`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ports::LanguageModel;
use serde_json::{Map, Value};
use testkit::FakeLlm;
use testkit::fake_llm::Flavour;

use crate::{KEY, provider, requests};

#[tokio::test]
async fn requests_match_the_golden_files() {
    let server = FakeLlm::start_as(Flavour::OpenRouter).await;
    let provider = provider(&server);
    for (name, request) in requests::all() {
        let before = server.call_count();
        drop(provider.stream(Arc::new(request)).await.unwrap());
        let calls = server.calls();
        assert_eq!(calls.len(), before + 1, "{name}: one call");
        let call = calls.last().unwrap();
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/chat/completions"), "{name}");
        assert_eq!(call.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        assert_eq!(call.header("http-referer"), Some("https://omnichat.example"));
        assert_eq!(call.header("x-title"), Some("OmniChat"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.json"));
        let golden: Map<String, Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let sent = call.body.as_object().unwrap();
        for (field, expected) in &golden {
            assert_eq!(sent.get(field), Some(expected), "{name}: {field}");
        }
        for field in sent.keys() {
            assert!(golden.contains_key(field), "{name}: {field} is sent and not in the file");
        }
    }
}
