//! `POST /v1/chat/switch-model`: the model of a session, for every contract.

use serde_json::{Value, json};
use testkit::fake_llm::{Gate, Reply};

use crate::support::persona_chat::{held, send};
use crate::support::{Answer, App, Store, User, on_both_stores, on_sqlite_alone, wait_until};

on_both_stores!(
    a_switched_session_goes_on_with_the_new_model,
    a_switch_reaches_every_contract,
    a_session_is_switched_while_a_turn_runs,
    only_an_own_session_is_switched,
);
on_sqlite_alone!(only_an_allowed_model_is_switched_to, a_switch_does_not_count_against_the_limit);

/// The model of titles, which are written beside the answers of S0.
const TITLE_MODEL: &str = "gpt-4o-mini";

/// The models that answered, in order.
fn models(app: &App) -> Vec<String> {
    let calls = app.llm.calls();
    let models = calls.iter().map(|call| call.model().to_owned());
    models.filter(|model| model != TITLE_MODEL).collect()
}

async fn switch(user: &User, session: i64, model: &str) -> Answer {
    user.post("/v1/chat/switch-model", json!({"session_id": session, "model": model})).await
}

/// Sends the next message of a session by S1. The document's clients always name a model.
async fn tell(user: &User, session: i64, text: &str) -> Value {
    let messages = json!([{"role": "user", "content": text}]);
    let body = json!({"model": "gpt-4", "messages": messages, "stream": false, "session_id": session});
    user.post("/v1/chat/stream", body).await.ok()
}

async fn begun(user: &User) -> i64 {
    let messages = json!([{"role": "user", "content": "Tell me a story"}]);
    let body = json!({"model": "gpt-4", "messages": messages, "stream": false});
    user.post("/v1/chat/stream", body).await.ok()["session_id"].as_i64().unwrap()
}

/// S1-17 to S1-23
async fn a_switched_session_goes_on_with_the_new_model(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let session = begun(&ann).await;
    let before = ann.get("/v1/chat/history").await.ok();
    let messages = json!([
        {"role": "user", "content": "Tell me a story"},
        {"role": "assistant", "content": "You said: Tell me a story"},
    ]);
    let switched = switch(&ann, session, "gpt-3.5-turbo").await.ok();
    let body = json!({"session_id": session, "model": "gpt-3.5-turbo", "title": "Tell me a story",
        "messages": messages});
    assert_eq!(switched, body);

    let after = ann.get("/v1/chat/history").await.ok();
    assert_eq!(before["sessions"][0]["model"], "gpt-4");
    assert_eq!(after["sessions"][0]["model"], "gpt-3.5-turbo");
    assert_eq!(after["sessions"][0]["messages"], before["sessions"][0]["messages"]);
    assert_eq!(after["sessions"][0]["messages"], messages);
    for (model, total) in [("gpt-3.5-turbo", 1), ("gpt-4", 0)] {
        assert_eq!(ann.get(&format!("/v1/chat/history?model={model}")).await.ok()["total"], total, "{model}");
    }

    let told = tell(&ann, session, "And another").await;
    assert_eq!(told["model"], "gpt-3.5-turbo");
    assert_eq!(models(&app), ["gpt-4", "gpt-3.5-turbo"]);
    let call = app.llm.calls().pop().unwrap();
    let seen: Vec<String> = call.messages().into_iter().map(|(_, text)| text).collect();
    assert_eq!(seen, ["Tell me a story", "You said: Tell me a story", "And another"]);
}

/// S1-19, S1-22, C-17, C-18
async fn a_switch_reaches_every_contract(store: Store) {
    let app = App::start(store).await;
    let ann = held(&app).await;
    send(&ann, 1, "by S4").await.ok();
    ann.post("/chat", json!({"input": "by S0", "conversation_id": 1})).await.ok();
    assert_eq!(models(&app), ["gpt-3.5-turbo", "gpt-4o"]);
    let switched = switch(&ann, 1, "new/model").await.ok();
    assert_eq!(
        (&switched["model"], &switched["title"]),
        (&json!("new/model"), &json!("First Chat with Alex"))
    );
    assert_eq!(switched["messages"].as_array().unwrap().len(), 4);

    send(&ann, 1, "by S4").await.ok();
    ann.post("/chat", json!({"input": "by S0", "conversation_id": 1})).await.ok();
    ann.say("1", "by S2").await.ok();
    ann.post("/conversation/completion/1", json!({"message": "by S3"})).await.ok();
    tell(&ann, 1, "by S1").await;
    assert_eq!(models(&app)[2..], ["new/model"; 5]);
    let last = app.llm.calls().pop().unwrap();
    assert_eq!(
        last.messages().iter().filter(|(role, _)| role == "user").count(),
        7,
        "all questions are sent"
    );

    // The model that a request of S0 names is for one turn.
    let named = json!({"input": "by S0", "conversation_id": 1, "model": "gpt-4.1"});
    ann.post("/chat", named).await.ok();
    ann.post("/chat", json!({"input": "by S0", "conversation_id": 1})).await.ok();
    assert_eq!(models(&app)[7..], ["gpt-4.1", "new/model"]);
    assert_eq!(ann.get("/v1/chat/history").await.ok()["sessions"][0]["model"], "new/model");
}

/// S1-20, S1-22
async fn a_session_is_switched_while_a_turn_runs(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let session = begun(&ann).await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let running = {
        let ann = ann.clone();
        tokio::spawn(async move { tell(&ann, session, "Count").await })
    };
    wait_until("the model writes", async || app.llm.call_count() == 2).await;
    let switched = switch(&ann, session, "gpt-4.1").await.ok();
    assert_eq!(switched["messages"].as_array().unwrap().len(), 3, "the question is there, its reply is not");
    gate.open();
    let told = running.await.unwrap();
    assert_eq!((&told["model"], &told["message"]["content"]), (&json!("gpt-4"), &json!("one two three")));
    tell(&ann, session, "Go on").await;
    assert_eq!(models(&app), ["gpt-4", "gpt-4", "gpt-4.1"]);
    assert_eq!(switch(&ann, session, "gpt-4.1").await.ok()["messages"].as_array().unwrap().len(), 6);
}

/// S1-17, S1-23, Threat 3
async fn only_an_own_session_is_switched(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let [session, hidden, gone] = [begun(&ann).await, begun(&ann).await, begun(&ann).await];
    ann.delete(&format!("/conversations/{hidden}")).await.ok();
    ann.delete(&format!("/v1/chat/sessions/{gone}")).await.ok();
    for (user, session) in [(&ann, 123), (&ann, hidden), (&ann, gone), (&ann, -1), (&bob, session)] {
        let answer = switch(user, session, "gpt-3.5-turbo").await;
        answer.is_error(404, "conversation_not_found");
        assert_eq!(answer.json()["detail"], "Chat session not found");
    }
    switch(&ann.signed_out(), session, "gpt-3.5-turbo").await.is_error(401, "invalid_token");
    for model in ["", "no such model!", "a..b"] {
        switch(&ann, session, model).await.is_error(400, "validation_error");
    }
    assert_eq!(ann.get("/v1/chat/history").await.ok()["sessions"][0]["model"], "gpt-4");
}

/// S1-24
async fn only_an_allowed_model_is_switched_to(store: Store) {
    let app = App::start_with(store, &[("OMNICHAT_MODELS__ALLOW", "gpt-4,gpt-4.1")]).await;
    let ann = app.user("ann").await;
    let session = begun(&ann).await;
    switch(&ann, session, "gpt-3.5-turbo").await.is_error(400, "model_not_allowed");
    assert_eq!(ann.get("/v1/chat/history").await.ok()["sessions"][0]["model"], "gpt-4");
    switch(&ann, session, "gpt-4.1").await.ok();
    tell(&ann, session, "Go on").await;
    assert_eq!(models(&app), ["gpt-4", "gpt-4.1"]);
}

/// S1-15, C-13
async fn a_switch_does_not_count_against_the_limit(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_TIERS", "free=1")]).await;
    let ann = app.user("ann").await;
    let session = begun(&ann).await;
    for model in ["gpt-4.1", "gpt-3.5-turbo"] {
        assert_eq!(switch(&ann, session, model).await.header("ratelimit-limit"), "");
        assert_eq!(ann.get("/v1/chat/history").await.ok()["sessions"][0]["model"], model);
    }
    let messages = json!([{"role": "user", "content": "hi"}]);
    let refused = ann.post("/v1/chat/stream", json!({"model": "gpt-4", "messages": messages})).await;
    refused.is_error(429, "rate_limit_exceeded");
}
