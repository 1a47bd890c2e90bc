//! Contract S3, row by row, with the command lines of its document.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Gate, InjectedFault, Place, Reply};

use crate::support::{App, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    a_new_conversation_is_empty,
    an_answer_has_the_documented_body,
    a_stream_that_breaks_off_is_cut,
    a_stream_that_fails_at_once_is_a_status,
    conversations_are_listed_with_their_messages,
    earlier_turns_are_context,
);
on_sqlite_alone!(
    the_documented_command_lines_work,
    a_stream_is_the_plain_text_of_the_reply,
    bad_input_is_refused,
);

/// The command lines of the document. Host and id are replaced, and a token is added.
const DOCUMENTED: [&str; 4] = [
    "curl -X POST localhost:8000/conversation",
    r#"curl -X POST -H "Content-Type: application/json" -d '{
  "message": "What is the current day?",
  "stream": "false"
}' localhost:8000/conversation/completion/248f789b-28cd-4cea-8c33-a2621430f81b"#,
    r#"curl -X POST -N -H "Content-Type: application/json" -d '{
  "message": "What is the current day?",
  "stream": "true"
}' localhost:8000/conversation/completion/248f789b-28cd-4cea-8c33-a2621430f81b"#,
    "curl -X GET localhost:8000/conversation",
];

fn shell(app: &App, user: &User, line: &str, id: &str) -> String {
    let line = line
        .replace("localhost:8000", app.url.trim_start_matches("http://"))
        .replace("248f789b-28cd-4cea-8c33-a2621430f81b", id)
        .replacen(
            "curl ",
            &format!("curl -sS --fail-with-body -H 'Authorization: Bearer {}' ", user.token),
            1,
        );
    let output = Command::new("bash").arg("-c").arg(&line).output().expect("bash and curl run");
    assert!(output.status.success(), "{line}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// S3-5, S3-7, S3-10, S3-12, S3-15
async fn the_documented_command_lines_work(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let created: Value = serde_json::from_str(&shell(&app, &user, DOCUMENTED[0], "")).unwrap();
    let id = created["id"].as_str().unwrap().to_owned();
    let answer: Value = serde_json::from_str(&shell(&app, &user, DOCUMENTED[1], &id)).unwrap();
    assert_eq!(answer["content"], "You said: What is the current day?");
    assert_eq!(shell(&app, &user, DOCUMENTED[2], &id), "You said: What is the current day?");
    let list: Value = serde_json::from_str(&shell(&app, &user, DOCUMENTED[3], "")).unwrap();
    assert_eq!(list[0]["messages"].as_array().unwrap().len(), 4);
}

/// S3-5, S3-6
async fn a_new_conversation_is_empty(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let body = user.post_nothing("/conversation").await.ok();
    assert_eq!(body["messages"], json!([]));
    assert_eq!(body["id"].as_str().unwrap().len(), 36);
    let created = body["created_at"].as_str().unwrap();
    assert!(created.ends_with('Z') && created.len() == "2023-12-04T17:28:52.678004Z".len(), "{created}");
}

async fn new_conversation(user: &User) -> String {
    user.post_nothing("/conversation").await.ok()["id"].as_str().unwrap().to_owned()
}

/// S3-7, S3-8, S3-9
async fn an_answer_has_the_documented_body(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    let body = user.post(&format!("/conversation/completion/{id}"), json!({"message": "hi"})).await.ok();
    assert_eq!(body["author"], "assistant");
    assert_eq!(body["content"], "You said: hi");
    assert_eq!(body["id"].as_str().unwrap().len(), 36);
    assert!(body["created_at"].as_str().unwrap().ends_with('Z'));
    let list = user.get("/conversation").await.ok();
    assert_eq!(list[0]["messages"][1], body);
    assert_eq!(list[0]["messages"][0]["author"], "user");
}

/// S3-10, S3-11
async fn a_stream_is_the_plain_text_of_the_reply(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    for stream in [json!("true"), json!(true), json!("YES"), json!(1)] {
        let gate = Gate::closed();
        app.llm.script(Reply::text("one two three").waiting_after_words(1, &gate));
        let request = user
            .request(Method::POST, &format!("/conversation/completion/{id}"))
            .json(&json!({"message": "hi", "stream": stream}));
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "one ");
        gate.open();
        let mut rest = Vec::new();
        while let Some(chunk) = answer.chunk().await.unwrap() {
            rest.extend_from_slice(&chunk);
        }
        assert_eq!(rest, b"two three");
    }
    assert_eq!(user.history(&id).await.len(), 8);
}

/// C-10
async fn a_stream_that_breaks_off_is_cut(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    app.llm.script(Reply::text("one two three").with(InjectedFault::CutAfter(Place::Words(2))));
    let request = user
        .request(Method::POST, &format!("/conversation/completion/{id}"))
        .json(&json!({"message": "hi", "stream": true}));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.is_err(), "a stream that was cut must not look whole");
    let history = user.wait_for_history(&id, 2).await;
    assert_eq!(history, ["user: hi", "assistant: one two  (failed)"]);
}

/// C-10, C-14
async fn a_stream_that_fails_at_once_is_a_status(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    app.llm.script(Reply::fault(InjectedFault::status(401)));
    let body = json!({"message": "hi", "stream": true});
    let answer = user.post(&format!("/conversation/completion/{id}"), body).await;
    answer.is_error(502, "upstream_unauthorized");
    assert_eq!(user.history(&id).await, ["user: hi"]);
}

/// S3-12
async fn conversations_are_listed_with_their_messages(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let first = new_conversation(&user).await;
    let second = new_conversation(&user).await;
    user.post(&format!("/conversation/completion/{first}"), json!({"message": "hi"})).await.ok();
    let list = user.get("/conversation").await.ok();
    assert_eq!((&list[0]["id"], &list[1]["id"]), (&json!(first), &json!(second)));
    assert_eq!(list[1]["messages"], json!([]));
    let contents: Vec<&Value> =
        list[0]["messages"].as_array().unwrap().iter().map(|message| &message["content"]).collect();
    assert_eq!(contents, ["hi", "You said: hi"]);
    assert_eq!(user.get("/conversation?limit=1").await.ok().as_array().unwrap().len(), 1);
}

/// S3-13, S3-14
async fn bad_input_is_refused(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    let path = format!("/conversation/completion/{id}");
    for body in [json!({}), json!({"message": ""}), json!({"message": "hi", "stream": "maybe"})] {
        user.post(&path, body).await.is_error(422, "validation_error");
    }
    let unknown = "/conversation/completion/248f789b-28cd-4cea-8c33-a2621430f81b";
    let answer = user.post(unknown, json!({"message": "hi"})).await;
    answer.is_error(404, "conversation_not_found");
    assert_eq!(answer.json()["detail"], "Conversation not found");
    assert_eq!(app.llm.call_count(), 0);
}

/// S3-16. The conversation continues by S2.
async fn earlier_turns_are_context(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = new_conversation(&user).await;
    user.post(&format!("/conversation/completion/{id}"), json!({"message": "hi"})).await.ok();
    user.say(&id, "again").await.ok();
    assert_eq!(app.llm.calls()[1].messages().len(), 3);
}
