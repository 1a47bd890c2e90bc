//! Contract S1, row by row: `POST /v1/chat/stream`.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use crate::support::{Answer, App, Store, Tab, User, on_both_stores, on_sqlite_alone, wait_until};

on_both_stores!(
    a_reply_arrives_before_the_provider_has_finished,
    a_reply_may_be_one_object,
    an_unknown_session_is_404,
    a_session_keeps_its_own_model,
    a_stopped_stream_is_done,
    a_client_that_leaves_loses_nothing,
    other_contracts_show_the_session,
);
on_sqlite_alone!(options_reach_the_model, a_silent_stream_has_heartbeats, every_text_arrives,);

pub(crate) const PATH: &str = "/v1/chat/stream";

pub(crate) fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

/// The body with these messages, for the session that stands in the headers of an answer.
pub(crate) fn body(session: Option<&str>, messages: &[Value]) -> Value {
    let session = session.map(|number| number.parse::<i64>().unwrap());
    json!({"model": "gpt-4", "messages": messages, "session_id": session})
}

pub(crate) fn ask(session: Option<&str>, text: &str) -> Value {
    body(session, &[said("user", text)])
}

/// The text of a stream that ended well.
#[track_caller]
pub(crate) fn text_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = answer.text.strip_suffix("data: [DONE]\n\n").unwrap_or_else(|| panic!("{}", answer.text));
    let event = |event: &str| {
        let lines = event.split('\n').filter(|line| !line.starts_with(':'));
        lines.map(|line| line.strip_prefix("data: ").unwrap().to_owned()).collect::<Vec<_>>().join("\n")
    };
    text.split_terminator("\n\n").map(event).collect()
}

pub(crate) async fn open(user: &User, body: &Value) -> reqwest::Response {
    user.request(Method::POST, PATH).json(body).send().await.unwrap()
}

/// S1-1, S1-9, S1-10, S1-11, S1-12, S1-58
async fn a_reply_arrives_before_the_provider_has_finished(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    user.post(PATH, ask(None, "first")).await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let mut answer = open(&user, &ask(None, "Tell me a story")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(answer.headers()["x-model"], "gpt-4");
    let session: i64 = answer.headers()["x-session-id"].to_str().unwrap().parse().unwrap();
    assert_eq!(answer.headers()["x-turn-id"].len(), 36);
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: one \n\n");
    gate.open();
    assert_eq!(answer.text().await.unwrap(), "data: two \n\ndata: three\n\ndata: [DONE]\n\n");
    let history = user.get("/v1/chat/history").await.ok();
    assert_eq!((&history["total"], &history["sessions"][0]["id"]), (&json!(2), &json!(session)));
    let messages = json!([said("user", "Tell me a story"), said("assistant", "one two three")]);
    assert_eq!(history["sessions"][0]["messages"], messages);
}

/// S1-7, S1-8
async fn a_reply_may_be_one_object(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let mut body = ask(None, "Tell me a long story please now");
    body["stream"] = json!(false);
    let answer = user.post(PATH, body.clone()).await;
    let first = answer.ok();
    let session = answer.header("x-session-id").to_owned();
    let usage = &first["usage"];
    let total = usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], total);
    let reply = said("assistant", "You said: Tell me a long story please now");
    let expected = json!({"session_id": session.parse::<i64>().unwrap(), "model": "gpt-4", "message": reply,
        "title": "Tell me a long story", "usage": usage});
    assert_eq!(first, expected);
    body = ask(Some(&session), "More");
    body["stream"] = json!("no");
    assert_eq!(user.post(PATH, body).await.ok()["session_id"], first["session_id"]);
    assert_eq!(user.history(&session).await.len(), 4);
}

/// S1-8, S1-23
async fn an_unknown_session_is_404(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let session = ann.post(PATH, ask(None, "hi")).await.header("x-session-id").to_owned();
    let calls = app.llm.call_count();
    for (user, session) in [(&bob, session.as_str()), (&ann, "999999"), (&ann, "0"), (&ann, "-1")] {
        for messages in [&[said("user", "hi")][..], &[said("user", "hi"), said("user", "more")]] {
            let answer = user.post(PATH, body(Some(session), messages)).await;
            answer.is_error(404, "conversation_not_found");
            assert_eq!(answer.json()["detail"], "Chat session not found");
        }
    }
    assert_eq!((ann.history(&session).await.len(), app.llm.call_count()), (2, calls));
}

/// S1-22, C-17, C-18
async fn a_session_keeps_its_own_model(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let with_model = |session: Option<&str>, model: &str| {
        let mut body = ask(session, "hi");
        body["model"] = json!(model);
        body
    };
    let answer = user.post(PATH, with_model(None, "gpt-4")).await;
    let session = answer.header("x-session-id").to_owned();
    let answer = user.post(PATH, with_model(Some(&session), "gpt-3.5-turbo")).await;
    assert_eq!(answer.header("x-model"), "gpt-4");
    assert_eq!(app.llm.calls()[1].model(), "gpt-4");
    // A conversation of another contract has no model of its own: it takes that of the first request here.
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    let number = user.get("/v1/chat/history").await.ok()["sessions"][0]["id"].to_string();
    for asked in ["gpt-4.1", "gpt-5"] {
        let answer = user.post(PATH, with_model(Some(&number), asked)).await;
        assert_eq!((answer.status, answer.header("x-model")), (200, "gpt-4.1"));
    }
    let models: Vec<String> = app.llm.calls().iter().skip(2).map(|call| call.model().to_owned()).collect();
    assert_eq!(models, ["gpt-3.5-turbo", "gpt-4.1", "gpt-4.1"]);
}

/// S1-10, C-39
async fn a_stopped_stream_is_done(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let reply = Reply::text("one two").with(InjectedFault::HangAfter(Place::Words(1)));
    app.llm.script(reply.clone());
    let mut answer = open(&user, &ask(None, "hi")).await;
    let session = answer.headers()["x-session-id"].to_str().unwrap().to_owned();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: one \n\n");
    user.post_nothing(&format!("/conversations/{session}/stop")).await.ok();
    assert_eq!(answer.text().await.unwrap(), "data: [DONE]\n\n");
    app.llm.script(reply);
    let asking = tokio::spawn({
        let (user, mut body) = (user.clone(), ask(Some(&session), "more"));
        body["stream"] = json!(false);
        async move { user.post(PATH, body).await }
    });
    app.llm.wait_for_calls(2).await;
    wait_until("the second turn is stopped", async || {
        user.post_nothing(&format!("/conversations/{session}/stop")).await;
        asking.is_finished()
    })
    .await;
    let whole = asking.await.unwrap().ok();
    assert_eq!(whole["state"], "stopped");
    assert_eq!(user.history(&session).await[..2], ["user: hi", "assistant: one  (stopped)"]);
}

/// S1-1, C-39
async fn a_client_that_leaves_loses_nothing(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
    let mut tab = Tab::post(&app, &user, PATH, &ask(None, "hi")).await;
    tab.read_until("data: one ").await;
    tab.close().await;
    gate.open();
    let session = user.get("/v1/chat/history").await.ok()["sessions"][0]["id"].to_string();
    let history = user.wait_for_history(&session, 2).await;
    assert_eq!(history, ["user: hi", "assistant: one two three"]);
    assert_eq!(app.llm.call_count(), 1);
}

/// S1-4. The session continues in other contracts, and theirs continue here.
async fn other_contracts_show_the_session(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let messages = [
        said("system", "Be brief."),
        said("user", "one two three four five six"),
        said("assistant", "brought along"),
        said("system", "Rhyme."),
        said("user", "more"),
    ];
    let answer = user.post(PATH, body(None, &messages)).await;
    assert_eq!(text_of(&answer), "You said: more");
    let session = answer.header("x-session-id").to_owned();
    let call = app.llm.calls().pop().unwrap();
    let told = call.messages();
    let told: Vec<(&str, &str)> = told.iter().map(|(role, text)| (role.as_str(), text.as_str())).collect();
    assert_eq!(told[0].1, "Be brief.\n\nRhyme.");
    let first = ("user", "one two three four five six");
    assert_eq!(told[1..], [first, ("assistant", "brought along"), ("user", "more")]);
    let expected = [
        "user: one two three four five six",
        "assistant: brought along",
        "user: more",
        "assistant: You said: more",
    ];
    assert_eq!(user.history(&session).await, expected);
    let row = user.get(&format!("/conversations/{session}")).await.ok();
    assert_eq!((&row["title"], &row["message_count"]), (&json!("one two three four five"), &json!(2)));
    let figures = call.figures.unwrap();
    assert_eq!(row["total_tokens"], figures.input + figures.output);
    let listed = user.get("/conversation").await.ok();
    assert_eq!(listed[0]["messages"].as_array().unwrap().len(), 4);
    user.say(&session, "by S2").await.ok();
    text_of(&user.post(PATH, ask(Some(&session), "by S1")).await);
    let told: Vec<String> = app.llm.calls()[2].messages().into_iter().map(|(_, text)| text).collect();
    assert_eq!(told[4..], ["by S2", "You said: by S2", "by S1"]);
}

/// S1-5, S1-6
async fn options_reach_the_model(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    text_of(&user.post(PATH, ask(None, "hi")).await);
    let mut body = ask(None, "hi");
    body["temperature"] = json!(0);
    body["max_tokens"] = json!(5);
    text_of(&user.post(PATH, body.clone()).await);
    body["temperature"] = json!(2);
    text_of(&user.post(PATH, body).await);
    let calls = app.llm.calls();
    let sent: Vec<_> = calls.iter().map(|call| call.body["temperature"].as_f64().unwrap()).collect();
    assert_eq!(sent, [0.7, 0.0, 2.0]);
    let limit =
        |at: usize| calls[at].body.get("max_tokens").or(calls[at].body.get("max_completion_tokens")).cloned();
    assert_eq!((limit(0), limit(1)), (None, Some(json!(5))));
}

/// S1-11
async fn a_silent_stream_has_heartbeats(store: Store) {
    let settings = [("OMNICHAT_SERVER__HEARTBEAT_SECONDS", "1")];
    let app = App::start_with(store, &settings).await;
    let user = app.user("ann").await;
    let gate = Gate::closed();
    app.llm.script(Reply::text("one two").waiting_after_words(1, &gate));
    let mut answer = open(&user, &ask(None, "hi")).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "data: one \n\n");
    assert_eq!(answer.chunk().await.unwrap().unwrap(), ": keep-alive\n\n");
    gate.open();
    let rest = answer.text().await.unwrap();
    assert_eq!(rest.replace(": keep-alive\n\n", ""), "data: two\n\ndata: [DONE]\n\n");
}

/// S1-9, S1-11, C-10
async fn every_text_arrives(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let pieces = [
        "  a\n",
        "\n",
        "b\r",
        "\nc\r",
        "d [DO",
        "NE] e",
        "[DONE]",
        "\r\n",
        " 👩\u{200d}🔬",
        "\u{2028}.",
        " ",
    ];
    app.llm.script(Reply::pieces(pieces));
    let answer = user.post(PATH, ask(None, "hi")).await;
    let expected = pieces.concat().replace("\r\n", "\n").replace('\r', "\n");
    assert_eq!(text_of(&answer), expected);
    assert_eq!(answer.text.matches("[DONE]").count(), 1);
    let whole = user.history(answer.header("x-session-id")).await;
    assert_eq!(whole[1], format!("assistant: {}", pieces.concat()));
}
