//! Clients that leave in the middle of a turn lose nothing.

use std::time::Duration;

use serde_json::json;
use testkit::fake_llm::{Gate, Reply};

use crate::support::{App, Store, Tab, on_both_stores, wait_until};

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
    let path = format!("/conversation/completion/{id}");
    let mut tab = Tab::post(&app, &user, &path, &json!({"message": "hi", "stream": true})).await;
    tab.read_until("one ").await;
    tab.close().await;
    gate.open();
    let history = user.wait_for_history(&id, 2).await;
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
        let body = json!({"message": "hi", "content": "hi", "stream": true});
        let tab = Tab::post(&app, &user, &path.replace("{id}", &id), &body).await;
        app.llm.wait_for_calls(calls + 1).await;
        tab.close().await;
        gate.open();
        let history = user.wait_for_history(&id, 2).await;
        assert_eq!(history, ["user: hi", "assistant: one two three"], "{path}");
    }
}

/// At whatever instant a client leaves, either nothing was begun or the turn is whole.
async fn tabs_closed_at_any_instant_leave_whole_turns(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.otherwise(Reply::text("one two three").slowly(Duration::from_millis(2)));
    let mut conversations = Vec::new();
    for step in 0..60_u64 {
        let id = user.conversation().await;
        let path = format!("/conversation/completion/{id}");
        let tab = Tab::post(&app, &user, &path, &json!({"message": "hi", "stream": step % 2 == 0})).await;
        // This waits for nothing: each round leaves a little later than the one before.
        tokio::time::sleep(Duration::from_micros(step * 250)).await;
        tab.close().await;
        conversations.push(id);
    }
    for id in conversations {
        // The conversation takes the next turn once the one that was left has ended.
        wait_until("the next turn is taken", async || user.say(&id, "next").await.status == 200).await;
        let history = user.history(&id).await;
        let (first, next) = history.split_at(history.len() - 2);
        assert!(first.is_empty() || first == ["user: hi", "assistant: one two three"], "{history:?}");
        assert_eq!(next, ["user: next", "assistant: one two three"]);
    }
}
