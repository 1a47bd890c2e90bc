//! Replies that show nothing, and finish reasons that are not known.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use super::llm_chat::{app, chat, turn_calls};
use crate::support::{Answer, App, Store, User, Watcher, change, on_both_stores, sql};

on_both_stores!(
    a_reply_that_shows_nothing_is_a_failure_in_every_contract,
    blank_messages_are_never_sent_back,
    an_unknown_finish_reason_is_shown_live_and_later,
);

/// Sends "hi" by contract S3, as a stream.
async fn stream(user: &User, id: &str) -> reqwest::Response {
    let request = user.request(Method::POST, &format!("/conversation/completion/{id}"));
    request.json(&json!({"message": "hi", "stream": true})).send().await.unwrap()
}

fn prompt(app: &App) -> Vec<String> {
    turn_calls(app).pop().unwrap().messages().into_iter().map(|(_, text)| text).collect()
}

/// F9
async fn a_reply_that_shows_nothing_is_a_failure_in_every_contract(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let persona = json!({"name": "Alex", "relation_type": "friend"});
    let persona = user.post("/personas/", persona).await.ok();
    let talk =
        user.post("/chat/conversations", json!({"title": "T", "persona_id": persona["id"]})).await.ok();
    let talk = format!("/chat/conversations/{}/send", talk["id"]);
    let mut calls = 0;
    for reply in [
        Reply::empty().thinking("Let me see."),
        Reply::empty().thinking("Let me see.").finishing("length"),
        Reply::empty().thinking("Let me see.").finishing("something_new"),
        Reply::pieces([" ", "\n\n", "\t"]),
        Reply::pieces(["\u{200b}", "\u{feff}\u{a0}"]).thinking("Let me see."),
    ] {
        let id = user.conversation().await;
        app.llm.script(reply.clone());
        user.say(&id, "hi").await.is_error(502, "upstream_empty");
        app.llm.script(reply.clone());
        // Nothing can be shown before the end, so streams have a real status too.
        Answer::read(stream(&user, &id).await).await.is_error(502, "upstream_empty");
        for streamed in [false, true] {
            app.llm.script(reply.clone());
            let body = json!({"input": "hi", "conversation_id": id, "stream": streamed});
            let answer = chat(&user, body).await;
            answer.is_error(502, "upstream_empty");
            let mut watcher = Watcher::of(&user, answer.header("x-turn-id"), "").await;
            let last = watcher.rest().await.pop().unwrap();
            assert_eq!((&last["type"], &last["error"]["code"]), (&json!("failed"), &json!("upstream_empty")));
        }
        app.llm.script(reply.clone());
        user.post(&talk, json!({"content": "hi"})).await.is_error(500, "upstream_empty");
        calls += 5;
        // Nothing of it is shown as an answer, and nothing is sent back.
        let history = user.history(&id).await;
        assert!(history.iter().all(|line| line == "user: hi" || line.ends_with("(failed)")), "{history:?}");
        user.say(&id, "next").await.ok();
        assert_eq!(prompt(&app), ["next"]);
        calls += 1;
    }
    let counted = "SELECT count(*) FROM omnichat.ledger WHERE purpose = 'turn'";
    assert_eq!(sql(&app, counted), [calls.to_string()], "all of it is paid for");
    for said in ["reasoning alone", "white space alone"] {
        app.wait_for_log(&format!("is empty: the model sent {said}")).await;
    }
    app.wait_for_log("the model sent reasoning alone and ended with \"length\"").await;
}

async fn blank_messages_are_never_sent_back(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    user.say(&id, "two").await.ok();
    // As an earlier version stored it.
    change(
        &app,
        "UPDATE omnichat.messages SET parts = replace(parts, 'You said: two', ' ') WHERE role = 'assistant'",
    );
    assert_eq!(user.history(&id).await[3], "assistant:  ");
    // Partial replies that a user stopped, and that the provider broke off.
    app.llm.script(Reply::pieces(["\n", "x"]).with(InjectedFault::CutAfter(Place::Words(1))));
    user.say(&id, "three").await.is_error(502, "upstream_truncated");
    app.llm.script(Reply::pieces(["\n", "x"]).with(InjectedFault::HangAfter(Place::Words(1))));
    let asking = tokio::spawn({
        let (user, id) = (user.clone(), id.clone());
        async move { user.say(&id, "four").await }
    });
    app.llm.wait_for_calls(4).await;
    user.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    assert_eq!(asking.await.unwrap().ok()["state"], "stopped");
    user.say(&id, "five").await.ok();
    assert_eq!(prompt(&app), ["one", "You said: one", "five"]);
}

async fn an_unknown_finish_reason_is_shown_live_and_later(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let long = "x".repeat(500);
    for (reason, shown) in [
        ("out_of_ideas", "out_of_ideas"),
        ("\u{1b}[31m odd\0\r\n reason\u{202e} ", "[31m odd reason"),
        (long.as_str(), &long[..64]),
    ] {
        let id = user.conversation().await;
        let gate = Gate::closed();
        app.llm.script(Reply::text("one two").finishing(reason).waiting_after_words(1, &gate));
        let answer = stream(&user, &id).await;
        let turn = answer.headers()["x-turn-id"].to_str().unwrap().to_owned();
        let mut live = Watcher::of(&user, &turn, "").await;
        gate.open();
        assert_eq!(answer.text().await.unwrap(), "one two");
        let live = live.rest().await;
        let last: &Value = live.last().unwrap();
        assert_eq!((&last["type"], &last["finish_reason"]), (&json!("completed"), &json!(shown)));
        assert_eq!(Watcher::of(&user, &turn, "").await.rest().await, live);
        assert_eq!(user.history(&id).await[1], "assistant: one two");
        app.wait_for_log(&format!("the model ended turn {turn} for an unknown reason: \"{shown}\"")).await;
    }
    // A reason that is known is no warning.
    let id = user.conversation().await;
    app.llm.script(Reply::text("one two").finishing("length"));
    user.say(&id, "hi").await.ok();
    assert_eq!(app.log().matches("for an unknown reason").count(), 3);
    let warnings = app.log().lines().filter(|line| line.contains("WARN")).count();
    assert!(warnings >= 3, "{}", app.log());
}
