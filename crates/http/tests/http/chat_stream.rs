//! Contract S1: `POST /v1/chat/stream`.

use std::time::Duration;

use domain::{Contract, Conversation, Part, Role, Seq};
use ports::{Begin, BeginError, Begun, Branch, MessageBatch, ModelError, Target, Window};
use serde_json::{Value, json};

use crate::support::sockets::{Client, chunks, serve};
use crate::support::{Gate, Setup, Step, appended, conversation, granted, message, post, setup, start};

const PATH: &str = "/v1/chat/stream";

fn hello() -> Vec<Step> {
    vec![Step::Say("Hel"), Step::Say("lo"), Step::Usage, Step::Finish]
}

fn ask(text: &str) -> Value {
    json!({"model": "gpt-4", "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Value, key: &str, value: impl Into<Value>) -> Value {
    body[key] = value.into();
    body
}

/// Session 7, which holds `Hi` and its reply `Hello`.
fn with_session(mut setup: Setup) -> Setup {
    setup
        .conversations
        .expect_find()
        .returning(|_, key| Ok(granted(&key, Conversation { last_seq: Seq(2), ..conversation() })));
    setup.conversations.expect_messages().returning(|_, key, _| {
        let messages = vec![message(1, Role::User, "Hi"), message(2, Role::Assistant, "Hello")];
        Ok(granted(&key, MessageBatch { messages, rest: None, has_more: false }))
    });
    setup
}

/// S1-9, S1-10, S1-58
#[actix_web::test]
async fn a_reply_is_streamed_as_bare_text() {
    let app = start(setup().with_working_turns(hello())).await;
    for body in [ask("Hi"), with(ask("Hi"), "stream", "yes"), with(ask("Hi"), "stream", Value::Null)] {
        let answer = app.call(post(PATH, body)).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "data: Hel\n\ndata: lo\n\ndata: [DONE]\n\n")
        );
        assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
        assert_eq!((answer.header("x-session-id"), answer.header("x-model")), ("7", "gpt-4"));
        assert_eq!(answer.header("x-turn-id").len(), 36);
        assert!(!answer.header("ratelimit-remaining").is_empty());
    }
}

/// S1-7
#[actix_web::test]
async fn a_reply_that_is_not_streamed_is_one_object() {
    let app = start(setup().with_working_turns(hello())).await;
    for stream in [json!(false), json!("False"), json!(0)] {
        let answer = app.call(post(PATH, with(ask("Hi"), "stream", stream))).await;
        let expected = json!({"session_id": 7, "model": "gpt-4",
            "message": {"role": "assistant", "content": "Hello"}, "title": "New conversation",
            "usage": {"input_tokens": 10, "output_tokens": 15, "total_tokens": 25}});
        assert_eq!((answer.status, answer.json()), (200, expected));
        assert_eq!((answer.header("x-session-id"), answer.header("x-model")), ("7", "gpt-4"));
    }
}

/// S1-4, C-18
#[actix_web::test]
async fn every_field_reaches_the_turn() {
    let mut setup = setup();
    setup.turns.expect_begin().times(1).returning(|begin: Begin| {
        let Target::New(new) = begin.target else { panic!("a session is made") };
        assert_eq!((new.begun_by, begin.contract), (Contract::ChatApi, Contract::ChatApi));
        assert_eq!((begin.model, begin.branch), (None, None));
        assert_eq!(begin.own_model.unwrap().as_str(), "gpt-4");
        let said: Vec<_> = begin.messages.iter().map(|message| (message.role, &message.parts[..])).collect();
        let text = |text: &str| [Part::Text(text.to_owned())];
        assert_eq!(
            said,
            [
                (Role::User, &text("one\n")[..]),
                (Role::Assistant, &text(" two")),
                (Role::User, &text("three"))
            ]
        );
        Err(BeginError::Busy { retry_after: Duration::from_secs(3) })
    });
    let app = start(setup).await;
    let say = |role: &str, content: &str| json!({"role": role, "content": content});
    let body = json!({"model": "gpt-4", "max_tokens": 5, "temperature": 0, "unknown": 1, "messages": [
        say("system", "Be brief."), say("user", "one\u{7}\n"), say("assistant", " two"), say("system", "Rhyme."),
        say("user", "three")
    ]});
    let answer = app.call(post(PATH, body)).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conversation_busy"));
    assert_eq!(answer.header("retry-after"), "3");
}

/// S1-3, S1-4, S1-5, S1-6, S1-8, C-5, C-37. Nothing is stored, and nothing is counted.
#[actix_web::test]
async fn an_invalid_request_is_400() {
    let app = start(setup()).await;
    let said = |messages: Value| json!({"model": "gpt-4", "messages": messages});
    let one = |role: Value, content: Value| said(json!([{"role": role, "content": content}]));
    let many = vec![json!({"role": "user", "content": "a"}); 2_001];
    let cases = [
        (json!([]), None),
        (json!({"messages": [{"role": "user", "content": "Hi"}]}), None),
        (with(ask("Hi"), "model", ""), Some("model")),
        (with(ask("Hi"), "model", "no such model!"), Some("model")),
        (with(ask("Hi"), "model", 5), Some("model")),
        (json!({"model": "gpt-4"}), None),
        (said(Value::Null), Some("messages")),
        (said(json!("Hi")), Some("messages")),
        (said(json!([])), Some("messages")),
        (said(json!([{"role": "user"}])), Some("messages[0].content")),
        (one(json!("tool"), json!("Hi")), Some("messages[0].role")),
        (one(json!("User"), json!("Hi")), Some("messages[0].role")),
        (one(Value::Null, json!("Hi")), Some("messages[0].role")),
        (one(json!({"user": null}), json!("Hi")), Some("messages[0].role")),
        (one(json!("user"), json!(" \n")), Some("messages[0].content")),
        (one(json!("user"), json!("")), Some("messages[0].content")),
        (one(json!("user"), json!("a\0")), Some("messages[0].content")),
        (one(json!("user"), json!(["Hi"])), Some("messages[0].content")),
        (one(json!("system"), json!("")), Some("messages[0].content")),
        (one(json!("user"), json!("ä".repeat(100_001))), Some("messages[0].content")),
        (one(json!("system"), json!("ä".repeat(100_001))), Some("messages[0].content")),
        (one(json!("assistant"), json!("Hi")), Some("messages")),
        (one(json!("system"), json!("Hi")), Some("messages")),
        (said(json!(many)), Some("messages")),
        (with(ask("Hi"), "temperature", 2.5), Some("temperature")),
        (with(ask("Hi"), "temperature", -0.1), Some("temperature")),
        (with(ask("Hi"), "temperature", "warm"), Some("temperature")),
        (with(ask("Hi"), "max_tokens", 0), Some("max_tokens")),
        (with(ask("Hi"), "max_tokens", 1.5), Some("max_tokens")),
        (with(ask("Hi"), "stream", "maybe"), Some("stream")),
        (with(ask("Hi"), "session_id", "7"), Some("session_id")),
        (with(ask("Hi"), "session_id", 7.5), Some("session_id")),
        (with(ask("Hi"), "session_id", 1e300), Some("session_id")),
    ];
    for (body, param) in cases {
        let answer = app.call(post(PATH, &body)).await;
        let shown = body.to_string().chars().take(80).collect::<String>();
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"), "{shown}");
        if let Some(param) = param {
            assert_eq!(answer.json()["error"]["param"], param, "{shown}: {}", answer.text());
        }
    }
    let large = app.call(post(PATH, ask(&"a".repeat(8 * 1024 * 1024)))).await;
    assert_eq!((large.status, large.code().as_str()), (413, "payload_too_large"));
}

/// S1-4, C-37
#[actix_web::test]
async fn a_request_within_its_limits_is_accepted() {
    let app = start(setup().with_working_turns(hello())).await;
    let mut messages = vec![json!({"role": "user", "content": "ä".repeat(100_000)}); 30];
    messages.push(json!({"role": "assistant", "content": "a".repeat(1_000_000)}));
    messages.resize(2_000, json!({"role": "user", "content": "a"}));
    let answer = app.call(post(PATH, json!({"model": "@cf/m:1", "messages": messages}))).await;
    assert_eq!((answer.status, answer.header("x-model")), (200, "@cf/m:1"), "{}", answer.text());
}

/// S1-8, S1-23
#[actix_web::test]
async fn an_unknown_session_is_404() {
    let app = start(with_session(setup())).await;
    for number in [8, 0, -1, i64::MAX] {
        let answer = app.call(post(PATH, with(ask("Hi"), "session_id", number))).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"), "{number}");
        assert_eq!(answer.json()["detail"], "Chat session not found");
    }
}

/// S1-8, C-19
#[actix_web::test]
async fn of_a_transcript_only_what_is_new_is_stored() {
    let say = |role: &str, content: &str| json!({"role": role, "content": content});
    let (hi, hello, more) = (say("user", " Hi"), say("assistant", "Hel lo"), say("user", "More"));
    let at = |keep_to| Some(Branch { expect_last: Seq(2), keep_to: Seq(keep_to) });
    for (messages, branch, stored) in [
        (json!([more]), None, 1),
        (json!([hi, hello, more]), at(2), 1),
        (json!([hi, more]), at(1), 1),
        (json!([more, hello, hi]), None, 3),
    ] {
        let mut setup = with_session(setup());
        setup.turns.expect_begin().times(1).returning(move |begin: Begin| {
            assert_eq!((begin.branch, begin.messages.len()), (branch, stored));
            Err(BeginError::NotFound)
        });
        let app = start(setup).await;
        let body = json!({"model": "gpt-4", "session_id": 7, "messages": messages});
        assert_eq!(app.call(post(PATH, body)).await.status, 404, "{messages}");
    }
}

/// C-19. The stored messages are read once more, then the client must try again.
#[actix_web::test]
async fn a_session_that_moves_on_twice_is_busy() {
    let mut setup = with_session(setup());
    setup.turns.expect_begin().times(2).returning(|_| Err(BeginError::Moved));
    let app = start(setup).await;
    let answer = app.call(post(PATH, with(ask("Hi"), "session_id", 7))).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conversation_busy"));
    assert_eq!(answer.header("retry-after"), "1");
}

/// S1-58, C-18. The header names the model that answers, and not the one in the request.
#[actix_web::test]
async fn the_headers_name_the_sessions_model() {
    let mut setup = with_session(setup());
    setup.steps = vec![Step::Fail(|| ModelError::Refused("a key".into()))];
    setup.turns.expect_finish().returning(|finish| Ok(crate::support::kept(finish)));
    setup.turns.expect_begin().returning(|begin: Begin| {
        let model = domain::ModelName::parse("gpt-3.5-turbo").unwrap();
        let conversation =
            Conversation { running: Some(begin.turn), model: Some(model.clone()), ..conversation() };
        let appended = appended(&begin.messages);
        let (persona, window) = (None, Window::default());
        Ok(Begun { conversation, persona, question: Seq(3), appended, model, window, has_files: false })
    });
    let app = start(setup).await;
    for stream in [true, false] {
        let body = with(with(ask("More"), "session_id", 7), "stream", stream);
        let answer = app.call(post(PATH, body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (500, "upstream_unauthorized"));
        assert_eq!((answer.header("x-session-id"), answer.header("x-model")), ("7", "gpt-3.5-turbo"));
        assert!(!answer.header("ratelimit-limit").is_empty() && answer.header("x-turn-id").len() == 36);
    }
}

/// S1-11, C-10
#[actix_web::test]
async fn a_late_failure_is_an_event_and_never_done() {
    let gate = Gate::default();
    let steps = vec![
        Step::Say("Hel"),
        Step::Gate(gate.clone()),
        Step::Say("lo"),
        Step::Fail(|| ModelError::Truncated),
    ];
    let mut setup = setup().with_working_turns(steps);
    setup.settings.heartbeat = Duration::from_millis(20);
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let mut client = Client::ask(address, "POST", PATH, &ask("Hi").to_string()).await;
    client.until("data: Hel\n\n").await;
    client.until(": keep-alive\n\n").await;
    gate.open();
    let answer = client.until("0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (text, whole) = chunks(&answer);
    let text = text.concat();
    assert!(whole && !text.contains("[DONE]"), "{text}");
    let (said, error) = text.split_once("event: error\n").unwrap();
    assert_eq!(said.replace(": keep-alive\n\n", ""), "data: Hel\n\ndata: lo\n\n");
    assert!(said.contains("\n\n: keep-alive\n\n"), "{said}");
    let error: Value = serde_json::from_str(error.trim_end().strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "upstream_truncated");
    assert_eq!(error["detail"], error["error"]["message"]);
}
