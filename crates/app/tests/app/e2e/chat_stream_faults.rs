//! Contract S1, row by row: requests of `POST /v1/chat/stream` that are refused or fail.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use super::chat_stream::{PATH, ask, body, open, said, text_of};
use crate::support::{Answer, App, Store, on_both_stores, on_sqlite_alone, wait_until};

on_both_stores!(
    a_model_that_is_not_offered_is_refused,
    one_turn_runs_at_a_time,
    tiers_limit_streams,
    failures_have_their_status_and_are_kept,
);
on_sqlite_alone!(bad_requests_store_nothing);

/// S1-14, C-38
async fn one_turn_runs_at_a_time(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let mut running = open(&user, &ask(None, "hi")).await;
    let session = running.headers()["x-session-id"].to_str().unwrap().to_owned();
    assert_eq!(running.chunk().await.unwrap().unwrap(), "data: one \n\n");
    let transcript = [said("user", "hi"), said("assistant", "one"), said("user", "more")];
    for body in [ask(Some(&session), "more"), body(Some(&session), &transcript)] {
        let busy = user.post(PATH, body).await;
        busy.is_error(409, "conversation_busy");
        assert!(busy.header("retry-after").parse::<u32>().unwrap() >= 1);
    }
    gate.open();
    assert_eq!(running.text().await.unwrap(), "data: two\n\ndata: [DONE]\n\n");
    text_of(&user.post(PATH, ask(Some(&session), "more")).await);
}

/// S1-15, S1-16, C-13
async fn tiers_limit_streams(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=3,pro=300,enterprise=1200")]).await;
    let user = app.user("ann").await;
    // Requests that reach no model are not counted.
    for _ in 0..4 {
        user.post(PATH, body(None, &[])).await.is_error(400, "validation_error");
        user.post(PATH, ask(Some("999"), "hi")).await.is_error(404, "conversation_not_found");
        user.get("/v1/chat/history").await.ok();
    }
    for left in ["2", "1", "0"] {
        let answer = user.post(PATH, ask(None, "hi")).await;
        assert_eq!((answer.status, answer.header("ratelimit-remaining")), (200, left));
        assert_eq!(answer.header("ratelimit-limit"), "3");
    }
    let limited = user.post(PATH, ask(None, "hi")).await;
    limited.is_error(429, "rate_limit_exceeded");
    assert!((1..=60).contains(&limited.header("retry-after").parse::<u32>().unwrap()));
    let raised = app.command().args(["user", "ann", "--tier", "pro"]).output().unwrap();
    assert!(raised.status.success(), "{raised:?}");
    // Accounts are cached for five seconds.
    wait_until("the new tier is known", async || user.post(PATH, ask(None, "hi")).await.status == 200).await;
    let manual = include_str!("../../../../../docs/OPERATIONS.md");
    assert!(manual.contains("free 60, pro 300, enterprise 1200"));
}

/// S1-14, C-10, C-14, C-39
async fn failures_have_their_status_and_are_kept(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::fault(InjectedFault::status(401)));
    let answer = user.post(PATH, ask(None, "one")).await;
    answer.is_error(500, "upstream_unauthorized");
    let session = answer.header("x-session-id").to_owned();
    assert_eq!((answer.header("x-model"), answer.header("x-turn-id").len()), ("gpt-4", 36));
    for _ in 0..3 {
        app.llm.script(Reply::fault(InjectedFault::status(500)));
    }
    user.post(PATH, ask(Some(&session), "two")).await.is_error(500, "upstream_unavailable");
    app.llm.script(Reply::fault(InjectedFault::status(400)));
    user.post(PATH, ask(Some(&session), "three")).await.is_error(400, "upstream_rejected");
    app.llm.script(Reply::fault(InjectedFault::rate_limited(90)));
    let limited = user.post(PATH, ask(Some(&session), "four")).await;
    limited.is_error(429, "upstream_rate_limited");
    assert_eq!(limited.header("retry-after"), "90");

    let reply = Reply::text("alpha beta gamma").slowly(Duration::from_millis(5));
    app.llm.script(reply.clone().with(InjectedFault::CutAfter(Place::Words(2))));
    let answer = user.post(PATH, ask(Some(&session), "five")).await;
    assert_eq!(answer.status, 200);
    let (text, error) = answer.text.split_once("event: error\ndata: ").unwrap();
    assert_eq!(text, "data: alpha \n\ndata: beta \n\n");
    let error: Value = serde_json::from_str(error.trim_end()).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["detail"]),
        (&json!("upstream_truncated"), &error["error"]["message"])
    );
    app.llm.script(reply.with(InjectedFault::CutAfter(Place::Words(1))));
    let mut whole = ask(Some(&session), "six");
    whole["stream"] = json!(false);
    user.post(PATH, whole).await.is_error(500, "upstream_truncated");
    let expected = [
        "user: one",
        "user: two",
        "user: three",
        "user: four",
        "user: five",
        "assistant: alpha beta  (failed)",
        "user: six",
        "assistant: alpha  (failed)",
    ];
    assert_eq!(user.history(&session).await, expected);
}

/// S1-2, S1-3, S1-4, S1-5, S1-6, S1-14
async fn bad_requests_store_nothing(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let url = format!("{}{PATH}", app.url);
    let anonymous = Answer::read(app.http.post(&url).json(&ask(None, "hi")).send().await.unwrap()).await;
    anonymous.is_error(401, "missing_token");
    let garbled = app.http.post(&url).bearer_auth("garbled").json(&ask(None, "hi"));
    Answer::read(garbled.send().await.unwrap()).await.is_error(401, "invalid_token");
    let changed = |key: &str, value: Value| {
        let mut body = ask(None, "hi");
        body[key] = value;
        body
    };
    for body in [
        changed("model", Value::Null),
        changed("model", json!("../x")),
        changed("messages", json!([])),
        changed("messages", json!([said("tool", "hi")])),
        changed("messages", json!([said("user", " ")])),
        changed("messages", json!([said("user", "hi"), said("assistant", "hi")])),
        changed("messages", json!([said("user", &"a".repeat(100_001))])),
        changed("messages", json!(vec![said("user", "a"); 2_001])),
        changed("temperature", json!(2.5)),
        changed("temperature", json!(-0.1)),
        changed("max_tokens", json!(0)),
        changed("stream", json!("maybe")),
        changed("session_id", json!("abc")),
    ] {
        user.post(PATH, body).await.is_error(400, "validation_error");
    }
    let broken =
        user.request(Method::POST, PATH).header("content-type", "application/json").body("{\"model\":");
    Answer::read(broken.send().await.unwrap()).await.is_error(400, "invalid_json");
    assert_eq!(user.get("/v1/chat/history").await.ok()["total"], 0);
    assert_eq!(app.llm.call_count(), 0);
}

/// S1-3, S1-24. Also where the session has a model of its own.
async fn a_model_that_is_not_offered_is_refused(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_MODELS__ALLOW", "gpt-4,gpt-4o,gpt-4o-mini")]).await;
    let user = app.user("ann").await;
    let session = user.post(PATH, ask(None, "hi")).await.header("x-session-id").to_owned();
    for session in [None, Some(session.as_str())] {
        let mut body = ask(session, "more");
        body["model"] = json!("gpt-5");
        let answer = user.post(PATH, body).await;
        answer.is_error(400, "model_not_allowed");
        assert_eq!(answer.json()["error"]["param"], "model");
    }
    assert_eq!(user.get("/v1/chat/history").await.ok()["total"], 1);
    assert_eq!((user.history(&session).await.len(), app.llm.call_count()), (2, 1));
}
