//! Contract S0: `POST /chat` and the conversations behind it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::fake_llm::{Figures, InjectedFault, Place, Reply};

use crate::support::{Answer, App, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    an_answer_has_the_documented_body,
    a_conversation_goes_on_and_adds_up,
    a_stream_has_the_documented_form,
    images_pass_through_untouched,
    a_model_makes_the_title_once,
    a_title_that_was_given_is_kept,
    conversations_are_created_listed_and_patched,
);
on_sqlite_alone!(
    every_documented_field_reaches_the_model,
    a_stream_that_breaks_off_never_looks_finished,
    a_slow_start_answers_with_heartbeats,
    bad_images_are_refused,
    bad_fields_are_refused,
    instructions_hold_for_one_turn,
    a_failed_title_fails_nothing,
    faults_are_mapped,
);

/// Answers title calls, so that scripted replies are used by turns only.
pub(crate) async fn app(store: Store) -> App {
    let app = App::start(store).await;
    answer_titles(&app);
    app
}

pub(crate) fn answer_titles(app: &App) {
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text("\"Friendly Greeting\""));
}

pub(crate) fn figures(input: u64, output: u64) -> Figures {
    Figures { input, cached: 0, output, reasoning: 0, cost: None }
}

pub(crate) async fn chat(user: &User, body: Value) -> Answer {
    user.post("/chat", body).await
}

pub(crate) fn turn_calls(app: &App) -> Vec<testkit::fake_llm::Call> {
    app.llm.calls().into_iter().filter(|call| call.model() != "gpt-4o-mini").collect()
}

/// S0-11, S0-18, S0-19, S0-20, S0-21, C-36
async fn an_answer_has_the_documented_body(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::text("Hello!").figures(figures(10, 15)));
    let answer = chat(&user, json!({"input": "Hello, how are you?", "user_id": "user123"})).await;
    let body = answer.ok();
    assert!(body["id"].as_str().unwrap().starts_with("resp_"));
    assert_eq!(body["object"], "response");
    assert!(body["created_at"].is_i64());
    assert_eq!(body["model"], "gpt-4o");
    assert_eq!(body["output_text"], "Hello!");
    assert!(body["conversation_id"].as_str().unwrap().starts_with("conv_"));
    assert_eq!(body["title"], "Friendly Greeting");
    assert_eq!(body["message_count"], 1);
    assert_eq!(body["usage"], json!({"input_tokens": 10, "output_tokens": 15, "total_tokens": 25}));
    assert_eq!(body["cost"].as_f64(), Some(0.000_175));
    assert_eq!(answer.header("x-conversation-id"), body["conversation_id"]);
    assert!(!answer.header("x-turn-id").is_empty());
    assert!(answer.header("ratelimit-limit").parse::<u32>().is_ok());
}

/// S0-8
async fn every_documented_field_reaches_the_model(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let created = user.post("/conversations", json!({"user_id": "user123"})).await.ok();
    let body = json!({
        "input": "Hello, how are you?",
        "user_id": "user123",
        "conversation_id": created["id"],
        "model": "gpt-4o",
        "instructions": "You are a helpful assistant",
        "stream": false,
        "temperature": 1.0,
        "max_tokens": 1000,
        "top_p": 1.0
    });
    let answer = chat(&user, body).await.ok();
    assert_eq!(answer["conversation_id"], created["id"]);
    let call = &turn_calls(&app)[0];
    assert_eq!(call.body["model"], "gpt-4o");
    assert_eq!(call.body["messages"][0], json!({"role": "system", "content": "You are a helpful assistant"}));
    assert_eq!(call.body["temperature"].as_f64(), Some(1.0));
    assert_eq!(call.body["top_p"].as_f64(), Some(1.0));
    assert_eq!(call.body["max_tokens"], 1000);
}

/// S0-10, S0-19, S0-20, S0-21, S0-50, S0-69, S0-76
async fn a_conversation_goes_on_and_adds_up(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::text("one").figures(figures(10, 15)));
    let first = chat(&user, json!({"input": "What is Python?"})).await.ok();
    app.llm.script(Reply::text("two").figures(figures(30, 5)));
    let id = &first["conversation_id"];
    let second = chat(&user, json!({"input": "Tell me more", "conversation_id": id})).await.ok();
    assert_eq!((&second["message_count"], &second["title"]), (&json!(2), &first["title"]));
    assert_eq!(turn_calls(&app)[1].messages().len(), 3);
    let row = user.get(&format!("/conversations/{}", id.as_str().unwrap())).await.ok();
    assert_eq!(row["total_tokens"], 60);
    let sum = first["cost"].as_f64().unwrap() + second["cost"].as_f64().unwrap();
    assert!((row["total_cost"].as_f64().unwrap() - sum).abs() < 1e-9);
    let unknown = json!({"input": "hi", "conversation_id": "conv_unknown"});
    chat(&user, unknown).await.is_error(404, "conversation_not_found");
}

/// The data of the events of a stream.
pub(crate) fn data(text: &str) -> Vec<&str> {
    text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}

/// S0-7, S0-27, S0-28, S0-29, S0-30, S0-31
async fn a_stream_has_the_documented_form(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::pieces(["Once", " upon\n", " a time"]).figures(figures(10, 15)));
    let answer = chat(&user, json!({"input": "Write a story", "stream": true})).await;
    assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
    let data = data(&answer.text);
    let deltas = [
        r#"{"delta":{"type":"text","text":"Once"}}"#,
        r#"{"delta":{"type":"text","text":" upon\n"}}"#,
        r#"{"delta":{"type":"text","text":" a time"}}"#,
    ];
    assert_eq!(data[..3], deltas);
    let done: Value = serde_json::from_str(data[3]).unwrap();
    assert_eq!((&done["done"], &done["title"]), (&json!(true), &json!("Friendly Greeting")));
    assert_eq!(done["cost"].as_f64(), Some(0.000_175));
    assert_eq!(data[4..], ["[DONE]"]);
    let id = done["conversation_id"].as_str().unwrap();
    let row = user.get(&format!("/conversations/{id}")).await.ok();
    assert_eq!((&row["message_count"], &row["total_tokens"]), (&json!(1), &json!(25)));
}

/// C-10
async fn a_stream_that_breaks_off_never_looks_finished(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::text("one two three").with(InjectedFault::CutAfter(Place::Words(2))));
    let answer = chat(&user, json!({"input": "hi", "stream": true})).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text.contains("[DONE]") && !answer.text.contains("\"done\""));
    let last: Value = serde_json::from_str(data(&answer.text).last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "upstream_truncated");
    assert!(last["detail"].is_string());
    app.llm.script(Reply::fault(InjectedFault::status(400)));
    chat(&user, json!({"input": "hi", "stream": true})).await.is_error(400, "upstream_rejected");
}

/// S0-72, C-10. Heartbeats come before the first token, and a late failure is an event of the stream.
async fn a_slow_start_answers_with_heartbeats(store: Store) {
    let settings = [
        ("OMNICHAT_SERVER__FIRST_EVENT_GRACE_SECONDS", "1"),
        ("OMNICHAT_SERVER__HEARTBEAT_SECONDS", "1"),
        ("OMNICHAT_PROVIDER__FIRST_EVENT_TIMEOUT_SECONDS", "3"),
    ];
    let app = App::start_with(store, &settings).await;
    answer_titles(&app);
    let user = app.user("ann").await;
    app.llm.script(Reply::fault(InjectedFault::HangBeforeHeaders));
    let answer = chat(&user, json!({"input": "hi", "stream": true})).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text.starts_with(": "), "{}", answer.text);
    assert!(answer.text.contains("upstream_timeout") && !answer.text.contains("[DONE]"));
}

/// S0-7, S0-22, S0-23, S0-24, S0-25, S0-42
async fn images_pass_through_untouched(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let png = format!("data:image/png;base64,iVBORw0KGgo{}", "A".repeat(4_000_001));
    for url in [
        "https://example.com/image.jpg",
        "https://bucket.s3.amazonaws.com/a%20b.png?X-Amz-Signature=ab%2Fc&X-Amz-Expires=60",
        png.as_str(),
    ] {
        let input = json!([
            {"type": "text", "text": "What is in this image?"},
            {"type": "image_url", "image_url": {"url": url}}
        ]);
        let body = json!({"input": input, "model": "gpt-4o", "user_id": "user123"});
        let answer = chat(&user, body).await.ok();
        let call = turn_calls(&app).pop().unwrap();
        let content = &call.body["messages"][0]["content"];
        assert_eq!(content[0]["text"], "What is in this image?");
        assert_eq!(content[1]["image_url"]["url"], url);
        let id = answer["conversation_id"].as_str().unwrap();
        assert_eq!(user.history(id).await[0], "user: What is in this image?\n[Image]");
    }
    // An image alone is a message, and it streams.
    let input = json!([{"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}}]);
    let answer = chat(&user, json!({"input": input, "stream": "true"})).await;
    assert!(answer.text.ends_with("data: [DONE]\n\n"));
}

/// S0-22, S0-23, S0-25, S0-70, Threat 42, Threat 43, Threat 45, Threat 48
async fn bad_images_are_refused(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for url in [
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "https://127.0.0.1/a.png",
        "https://[::1]/a.png",
        "https://[::ffff:169.254.169.254]/",
        "https://10.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        "https://localhost./",
        "https://metadata.google.internal/",
        "https://user:pass@example.com/",
        "https://ok.example\\@127.0.0.1/",
        "data:text/html;base64,PGI+",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "data:image/png;base64,PGI+",
        "data:image/png;base64,%%%",
        "data:image/png,iVBORw0KGgo",
        "",
        "no url",
    ] {
        let input = json!([{"type": "image_url", "image_url": {"url": url}}]);
        let answer = chat(&user, json!({"input": input})).await;
        assert_eq!(answer.status, 422, "{url}: {}", answer.text);
    }
    assert_eq!(app.llm.call_count(), 0);
}

/// S0-9, S0-10, S0-12, S0-15 to S0-17, S0-22, S0-65, S0-66, S0-70, C-37
async fn bad_fields_are_refused(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for body in [
        json!({}),
        json!({"input": ""}),
        json!({"input": "  "}),
        json!({"input": []}),
        json!({"input": 5}),
        json!({"input": "x".repeat(10_001)}),
        json!({"input": [{"type": "text", "text": " "}]}),
        json!({"input": [{"type": "text"}]}),
        json!({"input": [{"type": "audio", "text": "x"}]}),
        json!({"input": [{"type": "image_url"}]}),
        json!({"input": [{"type": "text", "text": "x".repeat(6_000)}, {"type": "text", "text": "y".repeat(6_000)}]}),
        json!({"input": "x", "temperature": 2.1}),
        json!({"input": "x", "temperature": -0.1}),
        json!({"input": "x", "top_p": 1.1}),
        json!({"input": "x", "top_p": -0.1}),
        json!({"input": "x", "max_tokens": 0}),
        json!({"input": "x", "max_tokens": -1}),
        json!({"input": "x", "model": "no such model!"}),
        json!({"input": "x", "model": ""}),
        json!({"input": "x", "user_id": "u".repeat(256)}),
        json!({"input": "x", "stream": "maybe"}),
        json!({"input": "x\u{0}"}),
    ] {
        let answer = chat(&user, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        answer.is_error(422, "validation_error");
    }
    assert_eq!(app.llm.call_count(), 0);
    for body in [
        json!({"input": "x".repeat(10_000)}),
        json!({"input": "x", "temperature": 0}),
        json!({"input": "x", "temperature": 2, "top_p": 0, "model": null, "instructions": null}),
    ] {
        chat(&user, body).await.ok();
    }
}

/// S0-13, S0-26
async fn instructions_hold_for_one_turn(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let pirate = "You are a pirate. Always respond like a pirate with arrr and matey.";
    let first = json!({"input": "Tell me a joke", "instructions": pirate, "user_id": "user123"});
    let id = chat(&user, first).await.ok()["conversation_id"].clone();
    chat(&user, json!({"input": "Another", "conversation_id": id})).await.ok();
    let calls = turn_calls(&app);
    assert_eq!(calls[0].body["messages"][0]["content"], pirate);
    assert!(!calls[1].body.to_string().contains("pirate"));
}

/// S0-48, C-25
async fn a_model_makes_the_title_once(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let id = chat(&user, json!({"input": "hi"})).await.ok()["conversation_id"].clone();
    chat(&user, json!({"input": "again", "conversation_id": id})).await.ok();
    let titles = app.llm.calls().into_iter().filter(|call| call.model() == "gpt-4o-mini").count();
    assert_eq!(titles, 1);
    // It is the contract that began the conversation which counts, not the one of the first message.
    let created = user.post("/conversations", json!({"user_id": "u"})).await.ok();
    let path = format!("/conversations/{}/messages", created["id"].as_str().unwrap());
    user.post(&path, json!({"content": "hello"})).await.ok();
    let titles = app.llm.calls().into_iter().filter(|call| call.model() == "gpt-4o-mini").count();
    assert_eq!(titles, 2);
    let other = user.conversation().await;
    user.say(&other, "one two three four five six").await.ok();
    let row = user.get(&format!("/conversations/{other}")).await.ok();
    assert_eq!(row["title"], "one two three four five");
}

/// S0-49
async fn a_title_that_was_given_is_kept(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let created = user.post("/conversations", json!({"title": "My Chat"})).await.ok();
    let answer = chat(&user, json!({"input": "hi", "conversation_id": created["id"]})).await.ok();
    assert_eq!(answer["title"], "My Chat");
    assert_eq!(app.llm.call_count(), 1);
}

/// C-25
async fn a_failed_title_fails_nothing(store: Store) {
    let app = App::start(store).await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::fault(InjectedFault::HangBeforeHeaders));
    let user = app.user("ann").await;
    let answer = chat(&user, json!({"input": "one two three four five six"})).await.ok();
    assert_eq!(answer["title"], "one two three four five");
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::fault(InjectedFault::status(400)));
    let input = json!([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]);
    assert_eq!(chat(&user, json!({"input": input})).await.ok()["title"], "New conversation");
}

/// S0-32 to S0-35, S0-37, S0-38, S0-43, S0-69, S0-70
async fn conversations_are_created_listed_and_patched(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let body = json!({"user_id": "user123", "title": "My Chat", "metadata": {"category": "support"}});
    let created = user.post("/conversations", body).await.ok();
    assert_eq!(created["metadata"], json!({"category": "support"}));
    assert_eq!((&created["message_count"], &created["total_tokens"]), (&json!(0), &json!(0)));
    assert_eq!((&created["summary"], &created["user_id"]), (&Value::Null, &json!("user123")));
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("conv_") && id.len() == 37);
    let plain = user.post("/conversations", json!({})).await.ok();
    assert_eq!(plain["user_id"], user.id.to_string());
    user.post("/conversations", json!({"title": "t".repeat(501)})).await.is_error(422, "validation_error");

    let patched =
        user.patch(&format!("/conversations/{id}"), json!({"metadata": {"updated": true}})).await.ok();
    assert_eq!(patched["metadata"], json!({"category": "support", "updated": true}));
    let patched = user.patch(&format!("/conversations/{id}"), json!({"title": "New Title"})).await.ok();
    assert_eq!(patched["title"], "New Title");
    user.patch(&format!("/conversations/{id}"), json!({})).await.is_error(422, "validation_error");
    user.patch("/conversations/conv_x", json!({"title": "x"})).await.is_error(404, "conversation_not_found");

    let list = user.get("/conversations?user_id=user123&limit=20").await.ok();
    assert_eq!(list.as_array().unwrap().len(), 1);
    for query in ["", "?user_id=u&limit=0", "?user_id=u&limit=101", "?user_id=u&offset=-1"] {
        user.get(&format!("/conversations{query}")).await.is_error(422, "validation_error");
    }
    chat(&user, json!({"input": "hi", "conversation_id": id})).await.ok();
    let messages = user.get(&format!("/conversations/{id}/messages?limit=50&order=asc")).await.ok();
    assert_eq!(messages[0]["content"], "hi");
    user.get(&format!("/conversations/{id}/messages?order=x")).await.is_error(422, "validation_error");
}

/// S0-68, S0-72, C-14
async fn faults_are_mapped(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for (fault, status, code) in [
        (InjectedFault::status(401), 502, "upstream_unauthorized"),
        (InjectedFault::status(400), 400, "upstream_rejected"),
        (InjectedFault::rate_limited(120), 429, "upstream_rate_limited"),
    ] {
        app.llm.script(Reply::fault(fault));
        let answer = chat(&user, json!({"input": "hi"})).await;
        answer.is_error(status, code);
        if status == 429 {
            assert_eq!(answer.header("retry-after"), "120");
        }
    }
    let request = user.request(Method::POST, "/chat").header("content-type", "application/json").body("{");
    Answer::read(request.send().await.unwrap()).await.is_error(400, "invalid_json");
}
