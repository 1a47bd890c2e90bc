//! Requests to providers that refuse some of their fields, or lead to another address.

use std::sync::Arc;

use serde_json::{Value, json};
use testkit::FakeLlm;
use testkit::fake_llm::{Call, InjectedFault, Reply};

use crate::support::persona_chat::{held, send};
use crate::support::{App, Store, on_sqlite_alone};

on_sqlite_alone!(
    a_field_that_a_server_refuses_is_left_out_from_then_on,
    a_field_is_left_out_by_configuration,
    a_refusal_for_another_reason_is_passed_on,
    thinking_models_get_no_temperature_that_nobody_asked_for,
    a_model_may_refuse_the_default_temperature,
    the_key_is_not_sent_to_where_a_provider_redirects,
);

/// The variables of each wire, and the field that it adds.
const WIRES: [(&str, &str); 2] = [("chat", "stream_options"), ("responses", "store")];

fn refusal(code: u16, body: Value) -> Reply {
    Reply::fault(InjectedFault::Status { code, body, headers: Vec::new() })
}

fn forbidden(field: &str) -> Reply {
    let problem =
        json!({"type": "extra_forbidden", "loc": ["body", field], "msg": "Extra inputs are not permitted"});
    refusal(422, json!({"detail": [problem]}))
}

fn has(call: &Call, field: &str) -> bool {
    call.body.get(field).is_some()
}

/// The calls that have the field, and those that do not.
fn counts(llm: &FakeLlm, field: &str) -> (usize, usize) {
    let (with, without): (Vec<Call>, Vec<Call>) = llm.calls().into_iter().partition(|call| has(call, field));
    (with.len(), without.len())
}

async fn a_field_that_a_server_refuses_is_left_out_from_then_on(store: Store) {
    for (api, field) in WIRES {
        let app = App::start_with(store, &[("OPENAI_API", api)]).await;
        app.llm.on(move |call| has(call, field), forbidden(field));
        let user = held(&app).await;
        let answer = send(&user, 1, "hi").await.ok();
        assert_eq!(answer["assistant_message"]["content"], "You said: hi", "{api}");
        // The server sends no usage without being asked for it, so it is estimated.
        assert!(answer["assistant_message"]["tokens_used"].as_u64().unwrap() > 0, "{answer}");
        assert_eq!(counts(&app.llm, field), (1, 1), "{api}");
        send(&user, 1, "again").await.ok();
        assert_eq!(counts(&app.llm, field), (1, 2), "{api}: it is remembered");
        let warning = format!("refuses the field {field}");
        assert_eq!(app.log().matches(&warning).count(), 1, "{api}: one warning");
    }
}

async fn a_field_is_left_out_by_configuration(store: Store) {
    for (api, field) in WIRES {
        let settings = [("OPENAI_API", api), ("OPENAI_OMIT_FIELDS", "store,stream_options,temperature")];
        let app = App::start_with(store, &settings).await;
        let user = held(&app).await;
        send(&user, 1, "hi").await.ok();
        assert_eq!(counts(&app.llm, field), (0, 1), "{api}");
        assert_eq!(counts(&app.llm, "temperature"), (0, 1), "{api}");
        user.post("/chat", json!({"input": "hi", "temperature": 0.5})).await.ok();
        let asked = app.llm.calls().into_iter().find(|call| has(call, "temperature")).unwrap();
        assert_eq!(asked.body["temperature"], 0.5, "what the caller asks for is sent");
    }
}

async fn a_refusal_for_another_reason_is_passed_on(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let words = json!({"error": {"message": "The model does not exist", "param": "model"}});
    app.llm.on(|call| call.question() == "hi", refusal(400, words));
    user.say(&id, "hi").await.is_error(400, "upstream_rejected");
    assert_eq!(app.llm.call_count(), 1);
    // Refused with the field and without it: it was not the field.
    app.llm.on(|call| call.question() == "hi", forbidden("stream_options"));
    user.say(&id, "hi").await.is_error(400, "upstream_rejected");
    assert_eq!(app.llm.call_count(), 3);
    user.say(&id, "next").await.ok();
    assert!(app.llm.calls().iter().any(|call| call.question() == "next" && has(call, "stream_options")));
}

/// S4-27, S0-15
async fn thinking_models_get_no_temperature_that_nobody_asked_for(store: Store) {
    let refused = json!({"error": {
        "message": "Unsupported value: 'temperature' does not support 0.7 with this model.",
        "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value",
    }});
    let listed = ("OMNICHAT_MODELS__WITHOUT_TEMPERATURE", "acme/thinker");
    for (api, model) in
        [("chat", "gpt-5-mini"), ("chat", "openai/o3"), ("chat", "acme/thinker"), ("responses", "o4-mini")]
    {
        let settings = [("OPENAI_API", api), ("OPENAI_MODEL", model), listed];
        let app = App::start_with(store, &settings).await;
        app.llm.on(|call| has(call, "temperature"), refusal(400, refused.clone()));
        let user = held(&app).await;
        send(&user, 1, "hi").await.ok();
        assert_eq!(app.llm.call_count(), 1, "{model}: the first request is accepted");
        // What a caller asks for goes through, and the caller hears what the provider says.
        let asked = json!({"input": "hi", "model": model, "temperature": 0.7});
        user.post("/chat", asked).await.is_error(400, "upstream_rejected");
        let other = json!({"input": "hi", "model": "gpt-4o", "temperature": 0.7});
        user.post("/chat", other).await.is_error(400, "upstream_rejected");
        assert_eq!(counts(&app.llm, "temperature").0, 2, "{model}");
    }
    let llm = Arc::new(FakeLlm::start().await);
    let settings = [
        ("LLM_PROVIDER", "openrouter"),
        ("OPENROUTER_API_KEY", "or-key"),
        ("OPENROUTER_BASE_URL", &llm.base_url()),
        ("OPENAI_MODEL", "o3"),
    ];
    let app = App::start_on(store, Arc::clone(&llm), &settings).await;
    let user = held(&app).await;
    send(&user, 1, "hi").await.ok();
    let call = llm.calls().pop().unwrap();
    assert_eq!((call.model(), &call.body["max_completion_tokens"]), ("openai/o3", &json!(1_000)));
    assert!(!has(&call, "temperature") && !has(&call, "max_tokens"), "{}", call.body);
}

async fn a_model_may_refuse_the_default_temperature(store: Store) {
    let app = App::start_with(store, &[("OPENAI_MODEL", "team-thinker")]).await;
    let words = json!({"error": {"message": "invalid temperature: only 1 is allowed for this model"}});
    app.llm.on(|call| has(call, "temperature"), refusal(400, words));
    let user = held(&app).await;
    for _ in 0..2 {
        send(&user, 1, "hi").await.ok();
    }
    assert_eq!(counts(&app.llm, "temperature"), (1, 2));
}

async fn the_key_is_not_sent_to_where_a_provider_redirects(store: Store) {
    let elsewhere = FakeLlm::start().await;
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for code in [301, 302, 303, 307, 308] {
        let location = format!("{}/chat/completions", elsewhere.base_url());
        let headers = vec![("location".to_owned(), location.clone())];
        app.llm.script(Reply::fault(InjectedFault::Status { code, body: json!({}), headers }));
        let id = user.conversation().await;
        let answer = user.say(&id, "hi").await;
        answer.is_error(502, "upstream_broken");
        assert!(!answer.text.contains(&location), "{}", answer.text);
        app.wait_for_log(&format!("status {code}: it redirects to {location}")).await;
    }
    assert_eq!(elsewhere.call_count(), 0);
}
