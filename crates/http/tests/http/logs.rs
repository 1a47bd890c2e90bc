//! The log lines of requests and streams.

use std::time::Duration;

use actix_web::test::TestRequest;
use domain::{MessagePage, Role, Seq};
use ports::{MessageBatch, ModelError, StoreError};
use serde_json::json;

use crate::support::logs::{capture, line};
use crate::support::sockets::{Client, serve};
use crate::support::{Setup, Step, UUID, get, granted, message, post, setup, start};

const STREAM: &str = "POST /conversation/completion/{id} stream ended:";

fn with_id(request: TestRequest, id: &'static str) -> TestRequest {
    request.insert_header(("x-request-id", id))
}

/// Sends a message with `stream` and does not read the reply.
async fn ask(setup: Setup, id: &str) -> Client {
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let body = "{\"message\":\"Hi\",\"stream\":true}";
    let head = format!(
        "POST /conversation/completion/{UUID} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice\r\n\
         content-type: application/json\r\nx-request-id: {id}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Client::send(address, &head).await
}

#[actix_web::test]
async fn a_response_is_one_line_with_the_time_until_its_headers() {
    capture();
    let app = start(setup()).await;
    assert_eq!(app.call(with_id(get("/auth/me?secret=1"), "log-1")).await.status, 200);
    let line = line("log-1", "headers_ms").await;
    assert_eq!(
        (&line["method"], &line["route"], &line["status"]),
        (&json!("GET"), &json!("/auth/me"), &json!(200))
    );
    assert_eq!(line["message"], "GET /auth/me");
    assert!(line["headers_ms"].as_f64().is_some_and(|ms| ms >= 0.0), "{line}");
}

#[actix_web::test]
async fn the_end_of_a_stream_is_logged_with_what_was_sent() {
    capture();
    let wait = Step::Wait(Duration::from_millis(50));
    let app =
        start(setup().with_working_turns(vec![Step::Say("Hello"), wait, Step::Usage, Step::Finish])).await;
    let path = format!("/conversation/completion/{UUID}");
    let request = with_id(post(&path, json!({"message": "Hi", "stream": true})), "log-2");
    let response = app.call(request).await;
    assert_eq!(response.text(), "Hello");
    let line = line("log-2", "stream.end").await;
    assert_eq!(
        (&line["stream.end"], &line["message"]),
        (&json!("completed"), &json!(format!("{STREAM} completed")))
    );
    assert_eq!(line["turn.id"], response.header("x-turn-id"));
    assert_eq!((&line["events"], &line["bytes"]), (&json!(3), &json!(5)));
    assert!(line["stream_ms"].as_f64().is_some_and(|ms| ms > 20.0), "{line}");
}

#[actix_web::test]
async fn a_list_that_is_cut_off_is_logged_with_its_cause() {
    capture();
    let mut setup = setup();
    setup.conversations.expect_messages().returning(|_, key, page| {
        if page.after.is_some() {
            return Err(StoreError::Unavailable("the database is gone".into()));
        }
        let rest = Some(MessagePage { after: Some(Seq(1)), ..page });
        Ok(granted(
            &key,
            MessageBatch { messages: vec![message(1, Role::User, "Hi")], rest, has_more: false },
        ))
    });
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let head = format!(
        "GET /conversations/{UUID}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer alice\r\n\
         x-request-id: log-list\r\n\r\n"
    );
    Client::send(address, &head).await.until_closed().await;
    let failed = line("log-list", "code").await;
    assert_eq!(failed["code"], "database_unavailable");
    assert!(failed["error"].as_str().unwrap().contains("the database is gone"), "{failed}");
    let ended = line("log-list", "stream.end").await;
    assert_eq!((&ended["stream.end"], ended.get("turn.id")), (&json!("failed"), None));
}

#[actix_web::test]
async fn a_failed_turn_is_a_failed_stream() {
    capture();
    let steps =
        || vec![Step::Say("Hel"), Step::Wait(Duration::from_millis(5)), Step::Fail(|| ModelError::Truncated)];
    let app = start(setup().with_working_turns(steps())).await;
    let response = app.call(with_id(post("/chat", json!({"input": "Hi", "stream": true})), "log-3")).await;
    assert!(response.text().contains("upstream_truncated"));
    assert_eq!(line("log-3", "stream.end").await["stream.end"], "failed");
    let mut cut_off = ask(setup().with_working_turns(steps()), "log-4").await;
    cut_off.until_closed().await;
    assert_eq!(line("log-4", "stream.end").await["stream.end"], "failed");
}

#[actix_web::test]
async fn a_client_that_leaves_is_logged() {
    capture();
    let steps = vec![Step::Say("Hel"), Step::Wait(Duration::from_mins(1)), Step::Usage, Step::Finish];
    let mut client = ask(setup().with_open_turns(steps), "log-5").await;
    client.until("Hel").await;
    client.hang_up().await;
    let line = line("log-5", "stream.end").await;
    assert_eq!((&line["stream.end"], &line["bytes"]), (&json!("client_left"), &json!(3)));
}

#[actix_web::test]
async fn a_client_that_does_not_read_is_logged() {
    capture();
    let mut steps = vec![Step::SayMuch(64 * 1024); 200];
    steps.extend([Step::Usage, Step::Finish]);
    let mut setup = setup().with_working_turns(steps);
    setup.settings.stall_limit = Duration::from_millis(200);
    let _client = ask(setup, "log-6").await;
    let line = line("log-6", "stream.end").await;
    assert_eq!(line["stream.end"], "stalled");
    let sent = line["bytes"].as_u64().unwrap();
    assert!((1..200 * 64 * 1024).contains(&sent), "{line}");
}
