//! Stopping a turn, and replaying its events.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{CallEnd, Gate, InjectedFault, Place, Reply};

use crate::support::{App, Store, User, Watcher, on_both_stores};

on_both_stores!(
    stopping_ends_the_provider_call_and_keeps_the_text,
    a_turn_without_any_text_can_be_stopped,
    stopping_when_nothing_runs_is_fine,
    deleting_for_good_stops_the_turn,
    a_replay_equals_the_live_stream,
    a_failed_turn_replays_as_failed,
);

async fn stream(user: &User, id: &str) -> reqwest::Response {
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    request.send().await.unwrap()
}

async fn stopping_ends_the_provider_call_and_keeps_the_text(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.script(Reply::text("one two three").with(InjectedFault::HangAfter(Place::Words(1))));
    let mut answer = stream(&user, &id).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    let asked = Instant::now();
    let body = user.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    assert_eq!(body["stopped"], true);
    app.llm.wait_until_idle().await;
    // The call would hang for a minute.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert!(matches!(app.llm.calls()[0].end, Some(CallEnd::ClosedByClient { .. })));
    let history = user.wait_for_history(&id, 2).await;
    assert_eq!(history, ["user: hi", "assistant: one  (stopped)"]);
    // A stopped stream ends normally, because nothing failed.
    assert_eq!(answer.text().await.unwrap(), "");
    // The stopped reply is part of the next request to the model.
    user.say(&id, "next").await.ok();
    assert_eq!(app.llm.calls()[1].messages().len(), 3);
}

async fn a_turn_without_any_text_can_be_stopped(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.script(Reply::fault(InjectedFault::HangBeforeHeaders));
    let asking = tokio::spawn({
        let (user, id) = (user.clone(), id.clone());
        async move { user.say(&id, "hi").await }
    });
    app.llm.wait_for_calls(1).await;
    let asked = Instant::now();
    user.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    let answer = asking.await.unwrap();
    // The call would hang for a minute.
    assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
    assert_eq!(answer.ok()["state"], "stopped");
    assert_eq!(user.history(&id).await, ["user: hi"]);
    user.say(&id, "next").await.ok();
}

async fn stopping_when_nothing_runs_is_fine(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let body = user.post_nothing(&format!("/conversations/{id}/stop")).await.ok();
    assert_eq!(body["stopped"], false);
    user.post_nothing("/conversations/99/stop").await.is_error(404, "conversation_not_found");
}

async fn deleting_for_good_stops_the_turn(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.script(Reply::text("one two three").with(InjectedFault::HangAfter(Place::Words(1))));
    let mut answer = stream(&user, &id).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
    user.delete(&format!("/conversations/{id}?soft=false")).await.ok();
    app.llm.wait_until_idle().await;
    user.get(&format!("/conversations/{id}")).await.is_error(404, "conversation_not_found");
}

/// The server-sent events of a turn, without comments.
async fn watch(user: &User, turn: &str, query: &str) -> Vec<Value> {
    Watcher::of(user, turn, query).await.rest().await
}

async fn a_replay_equals_the_live_stream(store: Store) {
    let mut app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let gate = Gate::closed();
    app.llm.script(Reply::pieces(["Hé", "llo\n", " wor", "ld"]).waiting_after_words(1, &gate));
    let mut answer = stream(&user, &id).await;
    let turn = answer.headers()["x-turn-id"].to_str().unwrap().to_owned();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "Hé");
    let mut watcher = Watcher::of(&user, &turn, "").await;
    let mut live = vec![watcher.next().await.unwrap(), watcher.next().await.unwrap()];
    assert_eq!(live[1]["delta"]["text"], "Hé", "shown while the model waits");
    gate.open();
    assert_eq!(answer.text().await.unwrap(), "llo\n world");
    live.extend(watcher.rest().await);
    assert_eq!(live.len(), 6);
    let numbers: Vec<u64> = live.iter().map(|event| event["event"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    assert_eq!((&live[0]["type"], &live[5]["type"]), (&json!("started"), &json!("completed")));

    assert_eq!(watch(&user, &turn, "").await, live, "replayed at once");
    app.terminate().await;
    app.start_again().await;
    assert_eq!(watch(&user, &turn, "").await, live, "replayed by another process");
    assert_eq!(watch(&user, &turn, "?after=2").await, live[3..]);
    assert_eq!(watch(&user, &turn, "?after=99").await, Vec::<Value>::new());
    user.get(&format!("/turns/{turn}/events?after=x")).await.is_error(422, "validation_error");
}

async fn a_failed_turn_replays_as_failed(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    app.llm.script(Reply::text("one two").with(InjectedFault::CutAfter(Place::Words(1))));
    let answer = user.say(&id, "hi").await;
    answer.is_error(502, "upstream_truncated");
    let turn = answer.header("x-turn-id");
    let events = watch(&user, turn, "").await;
    let last = events.last().unwrap();
    assert_eq!(last["type"], "failed");
    assert_eq!(last["error"]["code"], "upstream_truncated");
}
