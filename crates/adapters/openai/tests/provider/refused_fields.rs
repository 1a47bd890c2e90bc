//! Servers that refuse a field which OmniChat adds to requests by itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{FailureKind, ModelName, ModelRequest};
use futures_util::StreamExt;
use omnichat_openai::{OpenAi, OpenAiApi};
use openai_transport::FieldSettings;
use openai_wire::OptionalField;
use ports::{LanguageModel, ModelError};
use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::{Call, InjectedFault, Reply};

use crate::{provider, provider_with, requests};

const UNKNOWN: &str = "Extra inputs are not permitted";

/// What `FastAPI` answers to a request with this field.
fn forbidden(field: &str) -> Reply {
    refusal(422, json!({"detail": [{"type": "extra_forbidden", "loc": ["body", field], "msg": UNKNOWN}]}))
}

/// What `OpenAI` answers if a model does not support this field.
fn unsupported(field: &str, words: &str) -> Reply {
    let error = json!({"message": words, "type": "invalid_request_error", "param": field, "code": null});
    refusal(400, json!({"error": error}))
}

fn refusal(code: u16, body: Value) -> Reply {
    Reply::fault(InjectedFault::Status { code, body, headers: Vec::new() })
}

/// Gives this reply to every request that has the field.
fn refuse(server: &FakeLlm, field: &'static str, reply: Reply) {
    server.on(move |call| call.body.get(field).is_some(), reply);
}

fn chat(model: &str) -> Arc<ModelRequest> {
    let model = ModelName::parse(model).unwrap();
    Arc::new(ModelRequest { model, ..requests::with_default_temperature("any") })
}

/// Makes a call that succeeds, and returns the bodies of its requests.
async fn succeeds(server: &FakeLlm, provider: &OpenAi, model: &str) -> Vec<Value> {
    let before = server.call_count();
    let events: Vec<_> = provider.stream(chat(model)).await.unwrap().collect().await;
    assert!(events.iter().all(Result::is_ok), "{events:?}");
    server.calls().into_iter().skip(before).map(|call: Call| call.body).collect()
}

async fn fails(server: &FakeLlm, provider: &OpenAi, model: &str) -> (ModelError, usize) {
    let before = server.call_count();
    let error = provider.stream(chat(model)).await.err().unwrap();
    (error, server.call_count() - before)
}

fn has(body: &Value, field: &str) -> bool {
    body.get(field).is_some()
}

#[tokio::test]
async fn a_refused_field_is_left_out_of_all_later_requests() {
    for (api, field) in [(OpenAiApi::Chat, "stream_options"), (OpenAiApi::Responses, "store")] {
        let in_stream = json!({"error": {"message": format!("unknown field '{field}'"), "code": 400}});
        for reply in [
            forbidden(field),
            unsupported(field, UNKNOWN),
            refusal(
                400,
                json!({"object": "error", "message": format!("unknown field '{field}'"), "code": 400}),
            ),
            refusal(
                400,
                json!([{"error": {"message": format!("Unknown name \"{field}\": Cannot find field.")}}]),
            ),
            // In a stream, with status 200.
            Reply::raw(&format!("data: {in_stream}\n\ndata: [DONE]\n\n")),
        ] {
            let server = FakeLlm::start().await;
            refuse(&server, field, reply);
            let provider = provider(&server, api);
            let bodies = succeeds(&server, &provider, "gpt-4o").await;
            assert_eq!(bodies.len(), 2, "{api:?}");
            assert!(has(&bodies[0], field) && !has(&bodies[1], field), "{bodies:?}");
            for model in ["gpt-4o", "another"] {
                let bodies = succeeds(&server, &provider.clone(), model).await;
                assert_eq!(bodies.len(), 1, "{api:?}, {model}: it is remembered");
                assert!(!has(&bodies[0], field));
            }
        }
    }
}

#[tokio::test]
async fn a_refused_default_temperature_is_left_out_for_its_model() {
    for api in [OpenAiApi::Chat, OpenAiApi::Responses] {
        let server = FakeLlm::start().await;
        let words = "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.";
        let reply = unsupported("temperature", words);
        server.on(move |call| call.model() == "team-o3" && has(&call.body, "temperature"), reply);
        let provider = provider(&server, api);
        assert_eq!(succeeds(&server, &provider, "team-o3").await.len(), 2, "{api:?}");
        assert!(
            has(&succeeds(&server, &provider, "gpt-4o").await[0], "temperature"),
            "another model accepts it"
        );
        assert_eq!(succeeds(&server, &provider, "team-o3").await.len(), 1, "{api:?}: it is remembered");
    }
}

#[tokio::test]
async fn a_temperature_that_was_asked_for_is_never_left_out() {
    let server = FakeLlm::start().await;
    refuse(&server, "temperature", unsupported("temperature", "Unsupported value: 'temperature'"));
    let request = requests::all().into_iter().find(|(name, _)| *name == "sampling").unwrap().1;
    let error = provider(&server, OpenAiApi::Chat).stream(Arc::new(request)).await.err().unwrap();
    assert_eq!((error.failure(), server.call_count()), (FailureKind::Rejected, 1));
}

#[tokio::test]
async fn the_limit_of_tokens_is_sent_by_the_name_that_the_server_accepts() {
    let instead = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    for (model, refused, accepted, reply) in [
        ("team-o3", "max_tokens", "max_completion_tokens", unsupported("max_tokens", instead)),
        ("gpt-5", "max_completion_tokens", "max_tokens", forbidden("max_completion_tokens")),
    ] {
        let server = FakeLlm::start().await;
        refuse(&server, refused, reply);
        let provider = provider(&server, OpenAiApi::Chat);
        assert_eq!(succeeds(&server, &provider, model).await.len(), 2, "{model}");
        let bodies = succeeds(&server, &provider, model).await;
        assert_eq!((bodies.len(), &bodies[0][accepted]), (1, &json!(1_000)), "{model}");
        assert!(!has(&bodies[0], refused));
    }
    // A limit that is too large is no reason to send it by a name that the server may ignore.
    let server = FakeLlm::start().await;
    let words = "max_tokens is too large: 1000. This model supports at most 500 completion tokens.";
    refuse(&server, "max_tokens", unsupported("max_tokens", words));
    let (error, calls) = fails(&server, &provider(&server, OpenAiApi::Chat), "gpt-4o").await;
    assert_eq!((error.failure(), calls), (FailureKind::Rejected, 1));
}

#[tokio::test]
async fn a_server_may_refuse_one_field_after_the_other() {
    let server = FakeLlm::start().await;
    for field in ["stream_options", "temperature", "max_tokens"] {
        refuse(&server, field, forbidden(field));
    }
    let provider = provider(&server, OpenAiApi::Chat);
    let bodies = succeeds(&server, &provider, "gpt-4o").await;
    assert_eq!(bodies.len(), 4);
    assert_eq!(bodies[3]["max_completion_tokens"], 1_000);
    assert_eq!(succeeds(&server, &provider, "gpt-4o").await.len(), 1);
}

#[tokio::test]
async fn what_the_field_did_not_cause_is_not_remembered() {
    let server = FakeLlm::start().await;
    let provider = provider(&server, OpenAiApi::Chat);
    // Refused with the field and without it.
    server.otherwise(forbidden("stream_options"));
    let (error, calls) = fails(&server, &provider, "gpt-4o").await;
    assert_eq!((error.failure(), calls), (FailureKind::Rejected, 2));
    // Other failures may name it, but are no refusals of the request.
    for code in [401, 404, 429, 500] {
        server.otherwise(refusal(code, json!({"error": {"message": "stream_options: no"}})));
        assert_eq!(fails(&server, &provider, "gpt-4o").await.1, 1, "{code}");
    }
    let too_long = json!({"error": {"message": "maximum context length; stream_options", "code": "context_length_exceeded"}});
    server.otherwise(refusal(400, too_long));
    assert_eq!(fails(&server, &provider, "gpt-4o").await.1, 1);
    server.otherwise(Reply::echo());
    let bodies = succeeds(&server, &provider, "gpt-4o").await;
    assert_eq!(bodies.len(), 1);
    assert!(has(&bodies[0], "stream_options"));
}

#[tokio::test]
async fn the_configuration_leaves_fields_out_from_the_start() {
    let all = [OptionalField::StreamOptions, OptionalField::Store, OptionalField::Temperature];
    for (api, field) in [(OpenAiApi::Chat, "stream_options"), (OpenAiApi::Responses, "store")] {
        let server = FakeLlm::start().await;
        let fields = FieldSettings { left_out: all.into(), without_temperature: BTreeSet::new() };
        let body = &succeeds(&server, &provider_with(&server, api, fields), "gpt-4o").await[0];
        assert!(!has(body, field) && !has(body, "temperature"), "{body}");

        let without_temperature = ["acme/thinker", "plain"].map(str::to_owned).into();
        let fields = FieldSettings { left_out: BTreeSet::new(), without_temperature };
        let provider = provider_with(&server, api, fields);
        for (model, expected) in [
            ("acme/thinker", false),
            ("thinker", false),
            ("acme/plain", false),
            ("gpt-4o", true),
            ("o3", false),
        ] {
            let body = &succeeds(&server, &provider, model).await[0];
            assert_eq!(has(body, "temperature"), expected, "{model}");
            assert!(has(body, field));
        }
    }
}
