//! Contract S0, row by row: the request to the model, and the response to the client.

use serde_json::{Value, json};
use testkit::fake_llm::{Gate, Reply};

use super::llm_chat::{answer_titles, app, chat, data, figures, turn_calls};
use crate::support::{App, Store, on_both_stores, on_sqlite_alone, sql};

on_both_stores!(
    a_model_in_a_request_is_used_for_one_turn,
    the_values_of_a_response_have_the_documented_forms,
    instructions_follow_those_of_a_persona,
    a_title_is_made_while_the_reply_is_running,
    a_title_that_is_set_meanwhile_is_kept,
    a_streamed_reply_is_unchanged_and_its_usage_is_stored,
    the_costs_of_turns_add_up,
);
on_sqlite_alone!(
    the_documented_body_becomes_one_request_of_the_responses_api,
    an_image_becomes_one_message_of_the_responses_api,
    fields_that_a_request_leaves_out_are_not_sent,
);

/// An application that calls `OpenAI` by the Responses API.
async fn app_on_responses(store: Store) -> App {
    let app = App::start_with(store, &[("OPENAI_API", "")]).await;
    answer_titles(&app);
    app
}

/// S0-1, S0-8, S0-12, S0-13, S0-14, S0-15, S0-16, S0-17
async fn the_documented_body_becomes_one_request_of_the_responses_api(store: Store) {
    let app = app_on_responses(store).await;
    let user = app.user("ann").await;
    let created = user.post("/conversations", json!({"user_id": "user123", "title": "T"})).await.ok();
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
    let answer = chat(&user, body).await;
    assert!(answer.header("content-type").starts_with("application/json"));
    assert_eq!(answer.ok()["conversation_id"], created["id"]);
    assert_eq!(app.llm.call_count(), 1);
    let call = &app.llm.calls()[0];
    assert_eq!((call.method.as_str(), call.path.as_str(), call.model()), ("POST", "/v1/responses", "gpt-4o"));
    assert_eq!(call.body["instructions"], "You are a helpful assistant");
    assert_eq!(call.body["max_output_tokens"], 1_000);
    assert_eq!((call.body["temperature"].as_f64(), call.body["top_p"].as_f64()), (Some(1.0), Some(1.0)));
    assert_eq!(call.messages(), [("user".to_owned(), "Hello, how are you?".to_owned())]);
}

/// S0-22
async fn an_image_becomes_one_message_of_the_responses_api(store: Store) {
    let app = app_on_responses(store).await;
    let user = app.user("ann").await;
    let input = json!([
        {"type": "text", "text": "What is in this image?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}}
    ]);
    chat(&user, json!({"input": input, "model": "gpt-4o", "user_id": "user123"})).await.ok();
    let asked = turn_calls(&app)[0].body["input"].clone();
    assert_eq!((asked.as_array().unwrap().len(), &asked[0]["role"]), (1, &json!("user")));
    let content = asked[0]["content"].as_array().unwrap();
    assert_eq!(content.len(), 2);
    assert_eq!(
        (&content[0]["type"], &content[0]["text"]),
        (&json!("input_text"), &json!("What is in this image?"))
    );
    assert_eq!(
        (&content[1]["type"], &content[1]["image_url"]),
        (&json!("input_image"), &json!("https://example.com/image.jpg"))
    );
}

/// S0-10, S0-12, S0-14 to S0-17, C-5. A missing field and `null` are the same, and unknown fields are ignored.
async fn fields_that_a_request_leaves_out_are_not_sent(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    for body in [
        json!({"input": "hi"}),
        json!({
            "input": "hi", "user_id": null, "conversation_id": null, "model": null, "instructions": null,
            "stream": null, "temperature": null, "max_tokens": null, "top_p": null, "seed": 5, "owner": "bob"
        }),
        json!({"input": "hi", "instructions": "  "}),
    ] {
        let answer = chat(&user, body.clone()).await;
        assert!(answer.header("content-type").starts_with("application/json"), "{body}");
        assert_eq!(answer.ok()["model"], "gpt-4o");
        let call = turn_calls(&app).pop().unwrap();
        assert_eq!(call.model(), "gpt-4o");
        for key in ["temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"] {
            assert!(call.body.get(key).is_none_or(Value::is_null), "{key} for {body}: {}", call.body);
        }
        assert_eq!(call.messages(), [("user".to_owned(), "hi".to_owned())]);
    }
}

/// S0-12, C-17
async fn a_model_in_a_request_is_used_for_one_turn(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::text("one").by_model("gpt-4o-mini-2024-07-18"));
    let first = chat(&user, json!({"input": "hi", "model": "openai/gpt-4.1"})).await.ok();
    // The requested name, whatever name the provider reports.
    assert_eq!(first["model"], "openai/gpt-4.1");
    app.llm.script(Reply::text("two").by_model("gpt-4o-2024-08-06"));
    let body = json!({"input": "again", "conversation_id": first["conversation_id"]});
    assert_eq!(chat(&user, body).await.ok()["model"], "gpt-4o");
    let calls = turn_calls(&app);
    let models: Vec<&str> = calls.iter().map(testkit::fake_llm::Call::model).collect();
    assert_eq!(models, ["gpt-4.1", "gpt-4o"]);
}

fn is_id(id: &Value, prefix: &str) -> bool {
    let digits = id.as_str().and_then(|id| id.strip_prefix(prefix)).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// S0-11, S0-18, S0-47, C-3, C-9
async fn the_values_of_a_response_have_the_documented_forms(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let answer = chat(&user, json!({"input": "hi", "user_id": "user123"})).await;
    let body = answer.ok();
    assert!(is_id(&body["id"], "resp_") && is_id(&body["conversation_id"], "conv_"), "{body}");
    assert!(body["created_at"].as_i64().unwrap() > 1_700_000_000);
    assert!(body["cost"].is_number());
    let usage = &body["usage"];
    let total = usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], total);
    assert_eq!(answer.header("x-conversation-id"), body["conversation_id"]);

    let id = body["conversation_id"].as_str().unwrap();
    let row = user.get(&format!("/conversations/{id}")).await.ok();
    assert_eq!((&row["id"], &row["user_id"]), (&json!(id), &json!("user123")));
    for key in ["created_at", "updated_at"] {
        let time = row[key].as_str().unwrap();
        assert_eq!((time.len(), time.ends_with('Z')), ("2023-12-04T17:28:52.678004Z".len(), true), "{time}");
    }
    let messages = user.get(&format!("/conversations/{id}/messages")).await.ok();
    assert!(is_id(&messages[0]["id"], "msg_") && is_id(&messages[1]["id"], "msg_"), "{messages}");
}

/// S0-13
async fn instructions_follow_those_of_a_persona(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let persona = json!({"name": "Alex", "description": "Loves chess.", "relation_type": "friend"});
    let persona = user.post("/personas/", persona).await.ok();
    let talk = json!({"title": "T", "persona_id": persona["id"]});
    let talk = user.post("/chat/conversations", talk).await.ok();
    let body = json!({
        "input": "hi", "conversation_id": talk["id"].to_string(), "instructions": "Speak like a pirate."
    });
    chat(&user, body).await.ok();
    let told = app.llm.calls()[0].messages();
    assert_eq!((told.len(), told[0].0.as_str()), (2, "system"));
    let (persona, instructions) =
        (told[0].1.find("Loves chess.").unwrap(), told[0].1.find("Speak like a pirate.").unwrap());
    assert!(persona < instructions, "{}", told[0].1);
}

/// S0-48, C-25
async fn a_title_is_made_while_the_reply_is_running(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    app.llm.on(|call| call.model() == "gpt-4o-mini", Reply::text(&"ä".repeat(600)));
    let created = user.post("/conversations", json!({})).await.ok();
    assert_eq!(created["title"], Value::Null);
    for id in [Value::Null, created["id"].clone()] {
        let gate = Gate::closed();
        app.llm.script(Reply::text("Hello!").waiting_after_words(0, &gate));
        let before = app.llm.call_count();
        let asking = tokio::spawn({
            let (user, body) = (user.clone(), json!({"input": "What is Python?", "conversation_id": id}));
            async move { chat(&user, body).await }
        });
        // The title is requested while the reply is still running.
        app.llm.wait_for_calls(before + 2).await;
        gate.open();
        let first = asking.await.unwrap().ok();
        assert_eq!(first["title"], "ä".repeat(500));
        let again = json!({"input": "more", "conversation_id": first["conversation_id"]});
        assert_eq!(chat(&user, again).await.ok()["title"], first["title"]);
        assert_eq!(app.llm.call_count(), before + 3);
        let row = user.get(&format!("/conversations/{}", first["conversation_id"].as_str().unwrap())).await;
        assert_eq!(row.ok()["title"], first["title"]);
    }
}

/// S0-49
async fn a_title_that_is_set_meanwhile_is_kept(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    let created = user.post("/conversations", json!({})).await.ok();
    let path = format!("/conversations/{}", created["id"].as_str().unwrap());
    let body = json!({"input": "hi", "conversation_id": created["id"]});
    // A title that is set while the first turn and its title call run.
    let gate = Gate::closed();
    app.llm.script(Reply::text("Hello!").waiting_after_words(1, &gate));
    let asking = tokio::spawn({
        let (user, body) = (user.clone(), body.clone());
        async move { chat(&user, body).await }
    });
    app.llm.wait_for_calls(2).await;
    user.patch(&path, json!({"title": "Mine"})).await.ok();
    gate.open();
    assert_eq!(asking.await.unwrap().ok()["title"], "Mine");
    // A title that is set afterwards.
    user.patch(&path, json!({"title": "Python Tutorial"})).await.ok();
    assert_eq!(chat(&user, body).await.ok()["title"], "Python Tutorial");
    // A title that is set before.
    let created = user.post("/conversations", json!({})).await.ok();
    let path = format!("/conversations/{}", created["id"].as_str().unwrap());
    user.patch(&path, json!({"title": "New Title"})).await.ok();
    let calls = app.llm.call_count();
    let body = json!({"input": "hi", "conversation_id": created["id"]});
    assert_eq!(chat(&user, body).await.ok()["title"], "New Title");
    assert_eq!(app.llm.call_count(), calls + 1);
}

/// S0-28, S0-29, S0-30, S0-31, C-36
async fn a_streamed_reply_is_unchanged_and_its_usage_is_stored(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    app.llm.script(Reply::pieces(["Once", " upon"]).figures(figures(10, 15)));
    let request = user.request(reqwest::Method::POST, "/chat").header("accept-encoding", "gzip, br");
    let request = request.json(&json!({"input": "Write a story", "stream": true}));
    let answer = crate::support::Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-cache, no-transform");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert!(["", "identity"].contains(&answer.header("content-encoding")));
    for name in ["x-turn-id", "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"] {
        assert!(!answer.header(name).is_empty(), "{name}");
    }
    app.wait_for_log(answer.header("x-request-id")).await;
    let events = data(&answer.text);
    assert_eq!(events.join("\n\ndata: "), answer.text.trim_start_matches("data: ").trim_end());
    let done: Value = serde_json::from_str(events[2]).unwrap();
    assert_eq!((events.len(), events[3]), (4, "[DONE]"));
    assert_eq!(answer.header("x-conversation-id"), done["conversation_id"]);

    let row = user.get(&format!("/conversations/{}", done["conversation_id"].as_str().unwrap())).await.ok();
    assert_eq!((&row["message_count"], &row["title"]), (&json!(1), &json!("Friendly Greeting")));
    assert_eq!((&row["total_tokens"], row["total_cost"].as_f64()), (&json!(25), Some(0.000_175)));
    assert_eq!((&row["total_tokens"], &row["total_cost"]), (&done["usage"]["total_tokens"], &done["cost"]));
}

/// S0-21, S0-54, S0-76, C-25
async fn the_costs_of_turns_add_up(store: Store) {
    let app = app(store).await;
    let user = app.user("ann").await;
    // Each turn costs 12,500 nano-dollars; sums keep what is below the sixth decimal.
    app.llm.script(Reply::text("one").figures(figures(1, 1)));
    let first = chat(&user, json!({"input": "hi"})).await.ok();
    assert_eq!(first["cost"].as_f64(), Some(0.000_012));
    let id = &first["conversation_id"];
    app.llm.script(Reply::text("two").figures(figures(1, 1)));
    let second = chat(&user, json!({"input": "again", "conversation_id": id})).await.ok();
    assert_eq!((&second["message_count"], &second["usage"]["total_tokens"]), (&json!(2), &json!(2)));
    let row = user.get(&format!("/conversations/{}", id.as_str().unwrap())).await.ok();
    assert_eq!((&row["total_tokens"], row["total_cost"].as_f64()), (&json!(4), Some(0.000_025)));
    assert_eq!((&row["title"], &row["summary"]), (&json!("Friendly Greeting"), &Value::Null));
    assert_eq!((&row["message_count"], &row["summary_message_count"]), (&json!(2), &json!(0)));
    assert!(row["created_at"].as_str().unwrap() < row["updated_at"].as_str().unwrap());
    // The call for the title is only in the ledger.
    let purposes =
        sql(&app, "SELECT purpose, count(*) FROM omnichat.ledger GROUP BY purpose ORDER BY purpose");
    assert_eq!(purposes, ["title|1", "turn|2"]);
}
