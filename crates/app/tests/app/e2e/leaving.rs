//! A client that leaves loses nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::fake_llm::{Gate, Reply};

use crate::support::{App, Store, on_both_stores};

on_both_stores!(
    a_tab_closed_after_the_first_delta_keeps_the_reply,
    a_tab_closed_before_the_first_delta_keeps_the_reply,
    tabs_closed_at_any_instant_leave_whole_turns,
);

async fn a_tab_closed_after_the_first_delta_keeps_the_reply(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    drop(answer);
    tokio::time::sleep(Duration::from_millis(300)).await;
    gate.open();
    let history = user.wait_for_history(&id, 2, Duration::from_secs(5)).await;
    assert_eq!(history, ["user: hi", "assistant: one two three"]);
    assert_eq!(app.llm.call_count(), 1);
}

async fn a_tab_closed_before_the_first_delta_keeps_the_reply(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for path in ["/conversations/{id}/messages", "/conversation/completion/{id}"] {
        let id = user.conversation().await;
        let gate = Gate::closed();
        app.llm.script(Reply::text("one two three").waiting_after_words(0, &gate));
        let calls = app.llm.call_count();
        let request = user
            .request(Method::POST, &path.replace("{id}", &id))
            .json(&json!({"message": "hi", "content": "hi", "stream": true}));
        let asking = tokio::spawn(request.send());
        app.llm.wait_for_calls(calls + 1).await;
        asking.abort();
        tokio::time::sleep(Duration::from_millis(300)).await;
        gate.open();
        let history = user.wait_for_history(&id, 2, Duration::from_secs(5)).await;
        assert_eq!(history, ["user: hi", "assistant: one two three"], "{path}");
    }
}

/// Whatever instant a client leaves at: either nothing was taken, or the turn is whole.
async fn tabs_closed_at_any_instant_leave_whole_turns(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.otherwise(Reply::text("one two three").slowly(Duration::from_millis(2)));
    let mut conversations = Vec::new();
    for step in 0..60_u64 {
        let id = user.conversation().await;
        let request = user
            .request(Method::POST, &format!("/conversation/completion/{id}"))
            .json(&json!({"message": "hi", "stream": step % 2 == 0}));
        let asking = tokio::spawn(async move { request.send().await?.text().await });
        tokio::time::sleep(Duration::from_micros(step * 250)).await;
        asking.abort();
        conversations.push(id);
    }
    app.llm.wait_until_idle().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    for id in conversations {
        let history = user.history(&id).await;
        let whole = history.is_empty() || history == ["user: hi", "assistant: one two three"];
        assert!(whole, "{history:?}");
        // And the conversation takes the next turn.
        user.say(&id, "next").await.ok();
    }
}
