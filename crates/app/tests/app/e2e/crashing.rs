//! Processes that are killed, and processes that are told to end.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::fake_llm::{Gate, Reply};

use crate::support::{App, Store, User, on_both_stores, wait_until, wait_within};

on_both_stores!(
    a_killed_process_leaves_the_question_and_the_partial_reply,
    a_process_that_is_told_to_end_lets_its_turns_end,
    a_process_that_must_end_stores_partial_replies,
);

/// Begins a streamed turn that stops after its first word until the gate opens.
async fn open_turn(app: &App, user: &User, id: &str) -> (Gate, reqwest::Response) {
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    (gate, answer)
}

async fn a_killed_process_leaves_the_question_and_the_partial_reply(store: Store) {
    let mut app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let (gate, _answer) = open_turn(&app, &user, &id).await;
    app.wait_for_partial_text().await;
    app.kill();
    gate.open();
    app.start_again().await;
    // The lease of the killed process lasts for 15 s at least.
    wait_within(Duration::from_secs(10), "the conversation is free again", async || {
        let answer = user.say(&id, "next").await;
        if answer.status != 200 {
            answer.is_error(409, "conversation_busy");
        }
        answer.status == 200
    })
    .await;
    assert_eq!(
        user.history(&id).await,
        ["user: hi", "assistant: one  (interrupted)", "user: next", "assistant: You said: next"]
    );
}

async fn a_process_that_is_told_to_end_lets_its_turns_end(store: Store) {
    let mut app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let (gate, answer) = open_turn(&app, &user, &id).await;
    app.ask_to_end();
    let ready = format!("{}/health/ready", app.url);
    wait_until("the application takes no new requests", async || {
        app.http.get(&ready).send().await.map_or(true, |answer| answer.status() != 200)
    })
    .await;
    gate.open();
    let (code, rest) = tokio::join!(app.wait_for_end(), answer.text());
    assert_eq!(code, Some(0));
    assert_eq!(rest.unwrap(), "two three");
    app.start_again().await;
    assert_eq!(user.history(&id).await, ["user: hi", "assistant: one two three"]);
}

async fn a_process_that_must_end_stores_partial_replies(store: Store) {
    let mut app = App::start_with(store, &[("SHUTDOWN_GRACE_SECONDS", "1")]).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let (gate, answer) = open_turn(&app, &user, &id).await;
    let (code, rest) = tokio::join!(app.terminate(), answer.text());
    assert_eq!(code, Some(0));
    assert!(rest.is_err(), "a stream that was interrupted must not look whole");
    gate.open();
    app.start_again().await;
    assert_eq!(user.history(&id).await, ["user: hi", "assistant: one  (interrupted)"]);
    user.say(&id, "next").await.ok();
}
