//! Text that imitates something else: the protocol, a model's name, a line of the log.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::Reply;

use super::described::{Scene, is_refused, operations, with_field};
use super::hostile_input::raw;
use crate::support::{Answer, App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(text_of_a_model_is_never_read_as_protocol);
on_sqlite_alone!(models_that_are_not_allowed_are_not_asked, the_log_has_a_line_for_each_answer);

/// Threat 66
async fn text_of_a_model_is_never_read_as_protocol(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let pieces = [
        "a\n\ndata: [DONE]\n\n",
        "\revent: error\r\n",
        "\u{2028}\u{2029}",
        "b\r",
        "\nc",
        "[DONE]",
        "[DO",
        "NE]",
        "data: {\"done\":true}\n\n",
        ": comment\n",
        "\n\n\n",
        "id: 7\n",
        "\u{1f600}",
        "\\n",
        "{\"delta\":",
    ];
    let whole = pieces.concat();
    app.llm.otherwise(Reply::pieces(pieces));
    let json_text = |text: &str| {
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        assert_eq!(events.last(), Some(&"data: [DONE]"));
        let mut said = String::new();
        for event in &events[..events.len() - 1] {
            assert!(!event.contains(['\n', '\r']), "one line: {event:?}");
            let data: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
            said.push_str(data["delta"]["text"].as_str().unwrap_or_default());
        }
        said
    };
    let body = json!({"input": "hi", "conversation_id": "1", "stream": true});
    let answer = scene.ann.post("/chat", body).await;
    assert_eq!(json_text(&answer.text), whole);
    let turn = answer.header("x-turn-id").to_owned();
    let replay = scene.ann.get(&format!("/turns/{turn}/events")).await;
    let mut replayed = String::new();
    for line in replay.text.split(['\n', '\r']).filter(|line| !line.is_empty() && !line.starts_with(": ")) {
        let data = line.strip_prefix("data: ").unwrap_or_else(|| panic!("a line of its own: {line:?}"));
        let event: Value = serde_json::from_str(data).unwrap();
        replayed.push_str(event["delta"]["text"].as_str().unwrap_or_default());
    }
    assert_eq!(replayed, whole);
    let plain = scene.ann.post("/conversation/completion/1", json!({"message": "hi", "stream": true})).await;
    assert_eq!(plain.text, whole);
    let stored = scene.ann.get("/chat/conversations/1/messages?limit=1").await.ok();
    assert_eq!(stored[0]["content"], whole);

    // Raw tokens: each event is data alone, and a line break in a token is one of the event's data.
    let body = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}], "session_id": 1});
    let answer = scene.ann.post("/v1/chat/stream", body).await;
    assert!(!answer.text.contains('\r'));
    let events = answer.text.strip_suffix("data: [DONE]\n\n").unwrap();
    let mut raw = String::new();
    for event in events.split_terminator("\n\n").filter(|event| !event.starts_with(": ")) {
        let lines = event.split('\n').map(|line| {
            let data = line.strip_prefix("data: ").unwrap_or_else(|| panic!("a line of its own: {line:?}"));
            assert_ne!(data.trim(), "[DONE]");
            data
        });
        raw += &lines.collect::<Vec<_>>().join("\n");
    }
    assert_eq!(raw, whole.replace("\r\n", "\n").replace('\r', "\n"));
}

/// Threat 85
async fn models_that_are_not_allowed_are_not_asked(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_MODELS__ALLOW", "gpt-4o,gpt-3.5-turbo,gpt-4o-mini")]).await;
    let scene = Scene::set(&app, "hi").await;
    let calls = app.llm.call_count();
    let long = "m".repeat(10_000);
    for model in
        ["../../x", "gpt-4o/..", "", " ", "a b", "-x", "gpt\u{0}", "g\r\nx: y", long.as_str(), "gpt-4-turbo"]
    {
        let answer = scene.ann.post("/chat", json!({"input": "hi", "model": model})).await;
        is_refused(&answer, model);
        assert!([400, 422].contains(&answer.status), "{model:.60}: {}", answer.text);
        let messages = json!([{"role": "user", "content": "hi"}]);
        for (path, body) in [
            ("/v1/chat/stream", json!({"model": model, "messages": messages})),
            ("/v1/chat/stream", json!({"model": model, "messages": messages, "session_id": 1})),
            ("/v1/chat/switch-model", json!({"model": model, "session_id": 1})),
            ("/v1/chat/sessions", json!({"model": model})),
        ] {
            let answer = scene.ann.post(path, body).await;
            assert_eq!(answer.status, 400, "{path} {model:.60}: {}", answer.text);
            is_refused(&answer, path);
        }
    }
    assert_eq!(scene.ann.get("/v1/chat/history").await.ok()["total"], 1);
    assert_eq!(app.llm.call_count(), calls);
    scene.ann.post("/chat", json!({"input": "hi", "model": "gpt-4o", "conversation_id": "1"})).await.ok();
}

/// Threat 67, Threat 69
async fn the_log_has_a_line_for_each_answer(store: Store) {
    let mut app = App::start_with(store, &[("LOG_FORMAT", "json")]).await;
    let scene = Scene::set(&app, "hi").await;
    let script = "<script>alert(1)</script>\r\nFORGED line";
    let begun = scene.ann.post("/chat/conversations", json!({"title": script, "persona_id": 1})).await;
    assert_eq!(begun.header("content-type"), "application/json");
    begun.ok();
    let mut answered = vec![begun.header("x-request-id").to_owned()];
    let encoded = "/chat/conversations/%0d%0aFORGED%20line%1b%5b31m";
    let request = scene.ann.request(Method::GET, encoded).header("user-agent", "FORGED line");
    let answer = Answer::read(request.header("x-request-id", "FORGED line").send().await.unwrap()).await;
    answer.is_error(422, "validation_error");
    assert_ne!(answer.header("x-request-id"), "FORGED line");
    answered.push(answer.header("x-request-id").to_owned());
    for operation in operations(&app).await {
        let Some(body) = &operation.body else { continue };
        for field in body.fields.keys() {
            let body = with_field(body, field, json!({script: script}));
            let answer = raw(&scene.ann, &operation, &scene.path(&operation), body.to_string()).await;
            assert!(answer.header("content-type").starts_with("application/json"), "{}", operation.name());
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            answered.push(answer.header("x-request-id").to_owned());
        }
    }
    scene.ann.get("/auth/me").await.ok();
    // Ending the process writes the rest of the log.
    app.terminate().await;
    let log = app.log();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        assert!(!line.to_string().contains("FORGED line"), "{line}");
        if let Some(id) = line["span"]["request.id"].as_str() {
            *lines.entry(id.to_owned()).or_default() += 1;
        }
    }
    assert!(answered.len() > 15, "{answered:?}");
    for id in answered {
        assert_eq!(lines.get(&id), Some(&1), "the lines of {id:?}");
    }
}
