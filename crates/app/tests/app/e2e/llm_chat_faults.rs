//! Contract S0, row by row: failures, and what the client is told.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use super::llm_chat::{answer_titles, app, chat, turn_calls};
use crate::support::{Answer, App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(one_turn_runs_at_a_time, an_exchange_that_fails_is_kept_and_not_counted);
on_sqlite_alone!(
    every_error_has_the_documented_body,
    a_limit_counts_each_users_own_label,
    public_routes_need_no_token,
);

/// S0-67, S0-68, S0-69, S0-70, S0-72, C-4
async fn every_error_has_the_documented_body(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_PER_MINUTE", "1")]).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    let read = |request: reqwest::RequestBuilder| async { Answer::read(request.send().await.unwrap()).await };
    let chat_as = |label: &str| chat(&user, json!({"input": "hi", "user_id": label}));

    let url = format!("{}/chat", app.url);
    let anonymous = read(app.http.post(&url).json(&json!({"input": "hi"}))).await;
    anonymous.is_error(401, "missing_token");
    let stranger = read(app.http.post(&url).bearer_auth("garbled").json(&json!({"input": "hi"}))).await;
    stranger.is_error(401, "invalid_token");
    user.get("/no/such/route").await.is_error(404, "not_found");
    user.get("/conversations/conv_x").await.is_error(404, "conversation_not_found");
    let wrong_method = user.get("/chat").await;
    wrong_method.is_error(405, "method_not_allowed");
    assert_eq!(wrong_method.header("allow"), "POST");
    let broken = user.request(Method::POST, "/chat").header("content-type", "application/json").body("{");
    read(broken).await.is_error(400, "invalid_json");
    let bad_field = chat(&user, json!({"input": "hi", "temperature": 3})).await;
    bad_field.is_error(422, "validation_error");
    assert_eq!(bad_field.json()["error"]["param"], "temperature");
    user.get("/conversations").await.is_error(422, "validation_error");
    user.post("/conversations", json!({"title": "x".repeat(2_000_000)}))
        .await
        .is_error(413, "payload_too_large");

    chat_as("limited").await.ok();
    let limited = chat_as("limited").await;
    limited.is_error(429, "rate_limit_exceeded");
    assert!(limited.header("retry-after").parse::<u32>().unwrap() >= 1);
    for (label, fault, status, code) in [
        ("a", InjectedFault::status(400), 400, "upstream_rejected"),
        ("b", InjectedFault::status(401), 502, "upstream_unauthorized"),
        ("c", InjectedFault::rate_limited(90), 429, "upstream_rate_limited"),
    ] {
        app.llm.script(Reply::fault(fault));
        let answer = chat_as(label).await;
        answer.is_error(status, code);
        assert!(!answer.text.contains("scripted") && !answer.text.contains("slow down"), "{}", answer.text);
    }
    for _ in 0..3 {
        app.llm.script(Reply::fault(InjectedFault::status(500)));
    }
    chat_as("d").await.is_error(502, "upstream_unavailable");
}

/// C-38
async fn one_turn_runs_at_a_time(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let id = chat(&user, json!({"input": "hi"})).await.ok()["conversation_id"].clone();
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let calls = app.llm.call_count();
    let body = json!({"input": "again", "conversation_id": id});
    let asking = tokio::spawn({
        let (user, body) = (user.clone(), body.clone());
        async move { chat(&user, body).await }
    });
    app.llm.wait_for_calls(calls + 1).await;
    for stream in [false, true] {
        let mut body = body.clone();
        body["stream"] = json!(stream);
        let busy = chat(&user, body).await;
        busy.is_error(409, "conversation_busy");
        assert!(busy.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    // Another conversation is not affected.
    chat(&user, json!({"input": "hi"})).await.ok();
    gate.open();
    assert_eq!(asking.await.unwrap().ok()["message_count"], 2);
    assert_eq!(chat(&user, body).await.ok()["message_count"], 3);
}

/// S0-19, C-10, C-39
async fn an_exchange_that_fails_is_kept_and_not_counted(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let created = user.post("/conversations", json!({"title": "T"})).await.ok();
    let id = created["id"].as_str().unwrap();
    let ask = |input: &str, stream: bool| {
        chat(&user, json!({"input": input, "conversation_id": id, "stream": stream}))
    };
    app.llm.script(Reply::fault(InjectedFault::status(400)));
    let refused = ask("first", false).await;
    refused.is_error(400, "upstream_rejected");
    assert_eq!(refused.header("x-conversation-id"), id);
    let row = user.get(&format!("/conversations/{id}")).await.ok();
    assert_eq!((&row["message_count"], &row["total_tokens"]), (&json!(0), &json!(0)));

    app.llm.script(Reply::text("one two three").with(InjectedFault::CutAfter(Place::Words(2))));
    ask("second", false).await.is_error(502, "upstream_truncated");
    app.llm.script(Reply::text("four five six").with(InjectedFault::CutAfter(Place::Words(2))));
    let broken_off = ask("third", true).await;
    assert!(broken_off.status == 200 && !broken_off.text.contains("[DONE]"), "{}", broken_off.text);

    let counted = ask("fourth", false).await.ok()["message_count"].as_u64().unwrap();
    assert_eq!(
        user.history(id).await,
        [
            "user: first",
            "user: second",
            "assistant: one two  (failed)",
            "user: third",
            "assistant: four five  (failed)",
            "user: fourth",
            "assistant: You said: fourth"
        ]
    );
    // A question with a partial reply is an exchange, and stays part of later requests to the model.
    assert_eq!(counted, 3);
    let told: Vec<String> =
        turn_calls(&app).pop().unwrap().messages().into_iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["second", "one two ", "third", "four five ", "fourth"]);
}

/// S0-73, C-13. A label is no identity: its limit counts for each user.
async fn a_limit_counts_each_users_own_label(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    answer_titles(&app);
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let own = ann.id.to_string();
    for label in [Value::Null, json!("user1")] {
        let body = json!({"input": "hi", "user_id": label});
        for left in ["1", "0"] {
            let answer = chat(&ann, body.clone()).await;
            answer.ok();
            assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), ("2", left));
        }
        chat(&ann, body.clone()).await.is_error(429, "rate_limit_exceeded");
        chat(&bob, body).await.ok();
    }
    // Without a label, the limit is that of the user.
    chat(&ann, json!({"input": "hi", "user_id": own})).await.is_error(429, "rate_limit_exceeded");
    // A request that reaches no model is not counted.
    for _ in 0..3 {
        chat(&ann, json!({"input": "", "user_id": "user2"})).await.is_error(422, "validation_error");
    }
    chat(&ann, json!({"input": "hi", "user_id": "user2"})).await.ok();
    assert_eq!(ann.get("/conversations?user_id=user1").await.ok().as_array().unwrap().len(), 2);
}

/// S0-5, S0-44, S0-45, S0-46, C-28
async fn public_routes_need_no_token(store: Store) {
    let app = App::start(store).await;
    for path in ["/", "/health", "/health/live", "/health/ready", "/config", "/openapi.json", "/chat/health"]
    {
        let answer = app.probe(path).await;
        answer.ok();
        for secret in
            [crate::support::PROVIDER_KEY, crate::support::JWT_SECRET, "postgres:", "127.0.0.1", "/tmp"]
        {
            assert!(!answer.text.contains(secret), "{path} holds {secret}");
        }
    }
    let page = app.probe("/docs").await;
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"));
    let health = app.probe("/health").await.ok();
    for check in ["database", "storage", "llm"] {
        let word = health["checks"][check].as_str().unwrap();
        assert!(!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()), "{check}: {word}");
    }
    let root = app.probe("/").await.ok();
    let endpoints = root["endpoints"].as_array().unwrap();
    for endpoint in ["POST /chat", "GET /conversations", "PATCH /conversations/{id}", "GET /health"] {
        assert!(endpoints.contains(&json!(endpoint)), "{endpoint}");
    }
    let config = app.probe("/config").await.ok();
    let limits =
        json!({"rate_limit_per_minute": 100_000, "max_input_length": 10_000, "max_file_size_mb": 20});
    assert_eq!(config["limits"], limits);
    assert_eq!(config["pricing"], json!({"input_per_1k": 0.0025, "output_per_1k": 0.01}));
    for (method, path) in [("POST", "/chat"), ("POST", "/conversations/conv_x/restore")] {
        let request = app.http.request(method.parse().unwrap(), format!("{}{path}", app.url));
        Answer::read(request.send().await.unwrap()).await.is_error(401, "missing_token");
    }
}
