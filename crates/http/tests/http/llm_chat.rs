//! Contract S0: `POST /chat`.

use std::time::Duration;

use actix_web::test::TestRequest;
use domain::{Contract, Conversation, Label, Part, Role, Seq, Title, UserId};
use ports::{Begin, Begun, Finished, ModelError, StopOutcome, Target, Window};
use serde_json::{Value, json};

use crate::support::sockets::{Client, chunks, serve};
use crate::support::{
    Gate, PREFIXED, Setup, Step, UUID, appended, batch, conversation, get, granted, kept, message, post,
    setup, start, unchanged,
};

/// A store that keeps every exchange and gives the conversation a title.
fn with_chat(steps: Vec<Step>) -> Setup {
    let mut setup = setup().with_open_turns(steps);
    setup.turns.expect_finish().returning(|finish| {
        let Finished::Done { ending, .. } = kept(finish) else { unreachable!("it is done") };
        let title = Title::parse("Friendly Greeting").ok();
        let change = unchanged(Conversation { title, message_count: 1, ..conversation() });
        Ok(Finished::Done { ending, change: Some(Box::new(change)) })
    });
    setup
}

fn hello() -> Vec<Step> {
    vec![Step::Say("Hel"), Step::Say("lo!\n"), Step::Usage, Step::Finish]
}

/// The data of each event.
fn data(text: &str) -> Vec<&str> {
    text.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}

#[actix_web::test]
async fn a_response_has_the_documented_body() {
    let app = start(with_chat(hello())).await;
    let answer = app.call(post("/chat", json!({"input": "Hello, how are you?", "user_id": "user123"}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let turn = answer.header("x-turn-id").replace('-', "");
    assert_eq!(
        answer.json(),
        json!({"id": format!("resp_{turn}"), "object": "response", "created_at": 1_700_000_000,
            "model": "test-model", "output_text": "Hello!\n", "conversation_id": PREFIXED,
            "title": "Friendly Greeting", "message_count": 1,
            "usage": {"input_tokens": 10, "output_tokens": 15, "total_tokens": 25}, "cost": 0.000_175})
    );
    assert_eq!(answer.header("x-conversation-id"), PREFIXED);
}

#[actix_web::test]
async fn every_field_reaches_the_turn() {
    let mut setup = setup();
    setup.turns.expect_begin().times(1).returning(|begin: Begin| {
        let Target::New(new) = begin.target else { panic!("a conversation is made") };
        assert_eq!((new.begun_by, new.title), (Contract::LlmChat, None));
        assert_eq!((new.label.as_str(), begin.contract), ("user123", Contract::LlmChat));
        let model = begin.model.unwrap();
        assert_eq!((model.as_str(), begin.own_model), ("gpt-4o-2", None));
        assert_eq!((begin.messages[0].role, begin.messages[0].parts.len()), (Role::User, 3));
        let canonical = "data:image/jpeg;base64,/9j/4AD7/74=".to_owned();
        assert_eq!(begin.messages[0].parts[2], Part::Image { url: canonical });
        let conversation = Conversation { running: Some(begin.turn), ..conversation() };
        let window = Window::default();
        let appended = appended(&begin.messages);
        Ok(Begun { conversation, persona: None, question: Seq(1), appended, model, window, has_files: false })
    });
    setup.turns.expect_finish().returning(|finish| Ok(kept(finish)));
    setup.steps = hello();
    let app = start(setup).await;
    let input = json!([
        {"type": "text", "text": "What is in this image?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}},
        {"type": "image_url", "image_url": {"url": "data:image/JPG;charset=utf-8;base64,_9j_4AD7\r\n_74"}}
    ]);
    let body = json!({"input": input, "user_id": "user123", "model": "gpt-4o-2", "stream": "no",
        "instructions": "You are a helpful assistant", "temperature": 1, "max_tokens": 1000, "top_p": 1.0,
        "conversation_id": null, "seed": 5});
    let answer = app.call(post("/chat", body)).await;
    assert_eq!((answer.status, answer.json()["model"].as_str()), (200, Some("gpt-4o-2")));
}

#[actix_web::test]
async fn a_conversation_without_a_label_has_the_number_of_its_owner() {
    let mut setup = setup();
    setup.turns.expect_begin().returning(|begin: Begin| {
        let Target::New(new) = begin.target else { panic!("a conversation is made") };
        assert_eq!(new.label, Label::of_owner(UserId(1)));
        Err(ports::BeginError::Busy { retry_after: Duration::from_secs(1) })
    });
    let app = start(setup).await;
    let answer = app.call(post("/chat", json!({"input": "Hi"}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conversation_busy"));
}

#[actix_web::test]
async fn the_response_names_the_conversation_as_the_request_does() {
    let app = start(with_chat(hello())).await;
    for id in [PREFIXED, UUID, "7"] {
        let answer = app.call(post("/chat", json!({"input": "Hi", "conversation_id": id}))).await;
        assert_eq!((answer.status, answer.json()["conversation_id"].as_str()), (200, Some(id)));
        assert_eq!(answer.header("x-conversation-id"), id);
    }
    // The number may be one in JSON as well; in the response it is a text.
    for id in [json!(7), json!(7.0)] {
        let answer = app.call(post("/chat", json!({"input": "Hi", "conversation_id": id}))).await;
        assert_eq!((answer.status, &answer.json()["conversation_id"]), (200, &json!("7")));
        assert_eq!(answer.header("x-conversation-id"), "7");
    }
    for id in [json!("8"), json!(8), json!(0), json!("conv_unknown"), json!("nonsense!"), json!("")] {
        let answer = app.call(post("/chat", json!({"input": "Hi", "conversation_id": id}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"), "{id}");
    }
}

#[actix_web::test]
async fn a_stream_consists_of_json_events() {
    let hostile = "\n\ndata: [DONE]\r\n";
    let steps = vec![Step::Say("Once"), Step::Say(hostile), Step::Say("[DONE]"), Step::Usage, Step::Finish];
    let app = start(with_chat(steps)).await;
    let answer = app.call(post("/chat", json!({"input": "Write a story", "stream": true}))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream; charset=utf-8"));
    assert_eq!(answer.header("x-conversation-id"), PREFIXED);
    let text = answer.text();
    let data = data(&text);
    let events: Vec<Value> = data[..4].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    for (event, text) in events.iter().zip(["Once", hostile, "[DONE]"]) {
        assert_eq!(*event, json!({"delta": {"type": "text", "text": text}}));
    }
    let turn = answer.header("x-turn-id").replace('-', "");
    assert_eq!(
        events[3],
        json!({"done": true, "conversation_id": PREFIXED, "id": format!("resp_{turn}"),
            "title": "Friendly Greeting", "message_count": 1,
            "usage": {"input_tokens": 10, "output_tokens": 15, "total_tokens": 25}, "cost": 0.000_175})
    );
    assert_eq!(data[4..], ["[DONE]"]);
    assert!(text.starts_with("data: {\"delta\":{\"type\":\"text\",\"text\":\"Once\"}}\n\n"));
}

#[actix_web::test]
async fn a_failed_stream_has_an_error_and_no_done() {
    let steps = vec![Step::Say("Hel"), Step::Fail(|| ModelError::TimedOut)];
    let app = start(with_chat(steps)).await;
    let answer = app.call(post("/chat", json!({"input": "Hi", "stream": true}))).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(!text.contains("[DONE]") && !text.contains("\"done\""), "{text}");
    let last: Value = serde_json::from_str(data(&text).last().unwrap()).unwrap();
    assert_eq!(
        (last["error"]["code"].as_str(), &last["detail"]),
        (Some("upstream_timeout"), &last["error"]["message"])
    );
    assert_eq!(last["error"]["type"], "upstream_error");
}

#[actix_web::test]
async fn an_early_failure_has_a_status_even_with_stream() {
    for stream in [true, false] {
        let app = start(with_chat(vec![Step::Fail(|| ModelError::Rejected("no".into()))])).await;
        let answer = app.call(post("/chat", json!({"input": "Hi", "stream": stream}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "upstream_rejected"));
        assert_eq!((answer.header("x-turn-id").len(), answer.header("x-conversation-id")), (36, PREFIXED));
    }
}

#[actix_web::test]
async fn a_stream_has_heartbeats_before_its_first_event() {
    let gate = Gate::default();
    let steps = vec![Step::Gate(gate.clone()), Step::Say("Hi"), Step::Usage, Step::Finish];
    let mut setup = with_chat(steps);
    (setup.grace, setup.settings.heartbeat) = (Duration::from_millis(20), Duration::from_millis(20));
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let body = json!({"input": "Hi", "stream": true}).to_string();
    let mut client = Client::ask(address, "POST", "/chat", &body).await;
    client.until(": keep-alive\n\n").await;
    gate.open();
    let answer = client.until("0\r\n\r\n").await;
    let text = chunks(&answer).0.concat();
    assert!(text.starts_with(": keep-alive\n\n") && text.ends_with("data: [DONE]\n\n"), "{text}");
}

/// A model that starts a reply and does not end it, in a conversation that can be stopped.
fn endless(gate: &Gate) -> Setup {
    let mut setup = setup();
    setup.steps = vec![Step::Say("Hel"), Step::Gate(gate.clone()), Step::Usage, Step::Finish];
    let (told, turn) = std::sync::mpsc::channel();
    setup.turns.expect_begin().returning(move |begin: Begin| {
        told.send(begin.turn).unwrap();
        let (model, window) = (begin.default_model, Window::default());
        Ok(Begun {
            conversation: conversation(),
            persona: None,
            question: Seq(1),
            appended: appended(&begin.messages),
            model,
            window,
            has_files: false,
        })
    });
    let turn = std::sync::Mutex::new(turn);
    setup
        .turns
        .expect_request_stop()
        .returning(move |_, _| Ok(StopOutcome::Asked(turn.lock().unwrap().recv().unwrap())));
    setup.turns.expect_finish().returning(|finish| Ok(kept(finish)));
    setup
}

#[actix_web::test]
async fn a_stopped_reply_has_a_state() {
    for stream in [true, false] {
        let gate = Gate::default();
        let app = start(endless(&gate)).await;
        let stop = async {
            gate.reached().await;
            app.call(post(&format!("/conversations/{UUID}/stop"), json!({}))).await
        };
        let chat = app.call(post("/chat", json!({"input": "Hi", "stream": stream})));
        let (answer, stopped) = futures_util::future::join(chat, stop).await;
        assert_eq!((stopped.json()["stopped"].as_bool(), answer.status), (Some(true), 200));
        if stream {
            let text = answer.text();
            let data = data(&text);
            let done: Value = serde_json::from_str(data[data.len() - 2]).unwrap();
            assert_eq!((&done["done"], &done["state"]), (&json!(true), &json!("stopped")));
            assert_eq!(data.last(), Some(&"[DONE]"));
        } else {
            let body = answer.json();
            assert_eq!((&body["output_text"], &body["state"]), (&json!("Hel"), &json!("stopped")));
        }
    }
}

#[actix_web::test]
async fn invalid_fields_are_refused_before_anything_is_done() {
    let mut setup = setup();
    setup.limiter = ports::MockRateLimiter::new();
    let app = start(setup).await;
    for (body, param) in [
        (json!({}), "input"),
        (json!({"input": " "}), "input"),
        (json!({"input": 5}), "input"),
        (json!({"input": "x".repeat(10_001)}), "input"),
        (json!({"input": "x\u{0}"}), "input"),
        (json!({"input": [{"type": "image_url", "image_url": {"url": "https://[::1]/"}}]}), "input"),
        (json!({"input": "x", "user_id": "u".repeat(256)}), "user_id"),
        (json!({"input": "x", "user_id": ""}), "user_id"),
        (json!({"input": "x", "model": "no such model!"}), "model"),
        (json!({"input": "x", "model": ""}), "model"),
        (json!({"input": "x", "instructions": "i".repeat(10_001)}), "instructions"),
        (json!({"input": "x", "temperature": 2.1}), "temperature"),
        (json!({"input": "x", "temperature": -0.1}), "temperature"),
        (json!({"input": "x", "top_p": 1.1}), "top_p"),
        (json!({"input": "x", "top_p": -0.1}), "top_p"),
        (json!({"input": "x", "max_tokens": 0}), "max_tokens"),
        (json!({"input": "x", "max_tokens": -1}), "max_tokens"),
        (json!({"input": "x", "stream": "maybe"}), "stream"),
        (json!({"input": "x", "max_tokens": 2_147_483_648_u32}), "max_tokens"),
        (json!({"input": "x", "max_tokens": 1.5}), "max_tokens"),
        (json!({"input": "x", "conversation_id": 5.5}), "conversation_id"),
        (json!({"input": "x", "conversation_id": -5}), "conversation_id"),
        (json!({"input": "x", "conversation_id": 9_007_199_254_740_992_u64}), "conversation_id"),
        (json!({"input": "x", "conversation_id": true}), "conversation_id"),
        (json!({"input": "x", "user_id": -1}), "user_id"),
    ] {
        let answer = app.call(post("/chat", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "validation_error"), "{body:.80}");
        assert_eq!(answer.json()["error"]["param"], param, "{body:.80}");
    }
    for kind in [json!("audio"), json!(null), json!({"text": null})] {
        let bad_kind = app.call(post("/chat", json!({"input": [{"type": kind}]}))).await;
        assert_eq!((bad_kind.status, &bad_kind.json()["error"]["param"]), (422, &json!("input[0].type")));
    }
}

#[actix_web::test]
async fn the_body_limit_has_room_for_one_image() {
    let mut setup = with_chat(hello());
    setup.settings.public.limits.max_file_size_mb = 2;
    let app = start(setup).await;
    let image = |chars: usize| {
        let url = format!("data:image/png;base64,iVBORw0KGgoA{}", "A".repeat(chars - 12));
        post("/chat", json!({"input": [{"type": "image_url", "image_url": {"url": url}}]}))
    };
    let fits = 2 * 1024 * 1024 / 3 * 4;
    assert_eq!(app.call(image(fits)).await.status, 200);
    let large = app.call(image(fits + 8)).await;
    assert_eq!((large.status, large.code().as_str()), (422, "validation_error"));
    let larger = app.call(image(fits + 1024 * 1024)).await;
    assert_eq!((larger.status, larger.code().as_str()), (413, "payload_too_large"));
}

#[actix_web::test]
async fn a_conversation_of_chat_can_be_used_in_other_contracts() {
    let mut setup = setup();
    setup.conversations.expect_messages().returning(|_, key, _| {
        let mut question = message(1, Role::User, "What is in this image?");
        question.parts.push(domain::Part::Image { url: "https://example.com/a.png".to_owned() });
        Ok(granted(&key, batch(vec![question])))
    });
    let app = start(setup).await;
    let listed = app.call(get(&format!("/conversations/{PREFIXED}/messages"))).await.json();
    assert_eq!(listed[0]["content"], "What is in this image?\n[Image]");
    let bare = TestRequest::get().uri("/chat");
    assert_eq!(app.call(bare).await.status, 405);
}
