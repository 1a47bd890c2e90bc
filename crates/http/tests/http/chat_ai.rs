//! Contract S3.

use std::time::Duration;

use actix_web::test::TestRequest;
use domain::{Contract, Conversation, Page, Role};
use ports::{ConversationFilter, ModelError};
use serde_json::json;

use crate::support::sockets::{Client, chunks, serve};
use crate::support::{Step, UUID, batch, by_alice, conversation, get, granted, message, post, setup, start};

#[actix_web::test]
async fn a_conversation_needs_no_body() {
    let mut setup = setup();
    setup.conversations.expect_create().returning(|new| {
        assert_eq!(new.begun_by, Contract::ChatAi);
        Ok(Conversation { id: conversation().id, ..conversation() })
    });
    let app = start(setup).await;
    let made = app.call(by_alice(TestRequest::post().uri("/conversation"))).await;
    assert_eq!(
        (made.status, made.json()),
        (200, json!({"id": UUID, "messages": [], "created_at": "2023-11-14T22:13:20.000000Z"}))
    );
}

#[actix_web::test]
async fn conversations_are_listed_with_their_messages() {
    let mut setup = setup();
    setup.conversations.expect_list().returning(|_, filter, page| {
        assert_eq!((filter, page), (ConversationFilter::default(), Page { limit: 10, offset: 2 }));
        Ok(vec![conversation()])
    });
    setup.conversations.expect_messages().returning(|_, key, _| {
        assert_eq!(key, conversation().id.into());
        let roles = [(1, Role::System), (2, Role::User), (3, Role::Assistant)];
        let messages = roles.into_iter().map(|(seq, role)| message(seq, role, "Hi")).collect();
        Ok(granted(&key, batch(messages)))
    });
    let app = start(setup).await;
    let listed = app.call(get("/conversation?limit=10&offset=2")).await.json();
    assert_eq!(listed[0]["id"], UUID);
    let shown = |id: &str, author: &str| json!({"id": id, "author": author, "content": "Hi", "created_at": "2023-11-14T22:13:20.000000Z"});
    let (question, reply) = ("00000000-0000-0000-0000-000000000002", "00000000-0000-0000-0000-000000000003");
    assert_eq!(listed[0]["messages"], json!([shown(question, "user"), shown(reply, "assistant")]));
}

#[actix_web::test]
async fn a_completion_returns_one_message() {
    let app = start(setup().with_working_turns(vec![Step::Say("Hello"), Step::Usage, Step::Finish])).await;
    let path = format!("/conversation/completion/{UUID}");
    for body in [json!({"message": "Hi", "stream": "false"}), json!({"message": "Hi"})] {
        let answer = app.call(post(&path, body)).await;
        assert_eq!(answer.status, 200);
        let body = answer.json();
        assert_eq!((body["author"].as_str(), body["content"].as_str()), (Some("assistant"), Some("Hello")));
        assert_eq!((body["id"].as_str().unwrap().len(), body.as_object().unwrap().len()), (36, 4));
        assert_eq!(answer.header("x-turn-id").len(), 36);
    }
    for body in [json!({}), json!({"message": ""}), json!({"message": "Hi", "stream": "maybe"})] {
        assert_eq!(app.call(post(&path, body)).await.status, 422);
    }
}

#[actix_web::test]
async fn a_stream_is_plain_text() {
    let steps = vec![
        Step::Say("He"),
        Step::Wait(Duration::from_millis(5)),
        Step::Say("llo\n"),
        Step::Usage,
        Step::Finish,
    ];
    let app = start(setup().with_working_turns(steps)).await;
    for stream in [json!("true"), json!(true), json!(1)] {
        let body = json!({"message": "Hi", "stream": stream});
        let answer = app.call(post(&format!("/conversation/completion/{UUID}"), body)).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello\n"));
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache, no-transform");
        assert_eq!(answer.header("content-encoding"), "identity");
        assert_eq!(answer.header("x-accel-buffering"), "no");
        assert_eq!(answer.header("x-turn-id").len(), 36);
    }
}

#[actix_web::test]
async fn an_early_failure_is_a_real_status() {
    let steps = vec![Step::Fail(|| ModelError::Unavailable("down".into()))];
    let app = start(setup().with_working_turns(steps)).await;
    let body = json!({"message": "Hi", "stream": true});
    let answer = app.call(post(&format!("/conversation/completion/{UUID}"), body)).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unavailable"));
    assert_eq!(answer.header("x-turn-id").len(), 36);
}

#[actix_web::test]
async fn a_late_failure_cuts_the_body_off_after_its_text() {
    let steps = vec![
        Step::Say("Hel"),
        Step::Wait(Duration::from_millis(50)),
        Step::Say("lo"),
        Step::Fail(|| ModelError::Truncated),
    ];
    let (settings, services) = setup().with_working_turns(steps).ready();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let body = "{\"message\":\"Hi\",\"stream\":\"true\"}";
    let answer = Client::ask(address, "POST", &path, body).await.until_closed().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (text, whole) = chunks(&answer);
    assert_eq!((text.concat().as_str(), whole), ("Hello", false));
}

/// S3-10
#[actix_web::test]
async fn a_slow_first_event_is_200_without_padding() {
    let mut setup = setup().with_working_turns(vec![
        Step::Wait(Duration::from_millis(200)),
        Step::Say("late"),
        Step::Usage,
        Step::Finish,
    ]);
    setup.grace = Duration::from_millis(20);
    setup.settings.heartbeat = Duration::from_millis(10);
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let path = format!("/conversation/completion/{UUID}");
    let body = "{\"message\":\"Hi\",\"stream\":\"true\"}";
    let answer = Client::ask(address, "POST", &path, body).await.until("0\r\n\r\n").await;
    assert_eq!(chunks(&answer), (vec!["late"], true));
}
