//! Contract S2, row by row, and the paths that it shares with S0.

use serde_json::{Value, json};

use crate::support::{App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(
    a_conversation_is_begun_for_a_project,
    an_answer_has_the_documented_body,
    both_messages_are_kept_and_read_back_oldest_first,
    the_history_goes_to_the_model,
    deleting_hides_and_restoring_brings_back,
    deleting_for_good_leaves_nothing,
    a_project_lists_its_conversations_newest_update_first,
    every_form_of_an_id_is_accepted,
);
on_sqlite_alone!(
    the_configured_model_is_asked,
    bad_input_is_refused_and_not_stored,
    every_route_needs_a_token,
    errors_have_one_body_everywhere,
);

/// S2-11, S2-12, C-1
async fn a_conversation_is_begun_for_a_project(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let body = user.post_nothing("/conversations?project_id=p1").await.ok();
    let id = body["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "a UUID: {id}");
    assert_eq!(body["project_id"], "p1");
    for key in [
        "user_id",
        "title",
        "summary",
        "summary_message_count",
        "summary_updated_at",
        "message_count",
        "total_tokens",
        "total_cost",
        "metadata",
        "created_at",
        "updated_at",
    ] {
        assert!(body.get(key).is_some(), "{key} is missing in {body}");
    }
    assert_eq!(user.get(&format!("/conversations/{id}")).await.ok(), body);
    for query in ["project_id=", "project_id=%20", &format!("project_id={}", "p".repeat(256))] {
        user.post_nothing(&format!("/conversations?{query}")).await.is_error(422, "validation_error");
    }
    user.post_nothing("/conversations").await.is_error(422, "validation_error");
}

/// S2-16, S2-21, S2-22, C-8
async fn an_answer_has_the_documented_body(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let answer = user.say(&id, "Hello, how are you?").await;
    let body = answer.ok();
    assert_eq!(body["message_id"], id.as_str());
    assert_eq!(body["conversation_id"], id.as_str());
    assert_eq!(body["response"], "You said: Hello, how are you?");
    assert!(body["user_message_id"].as_str().unwrap().starts_with("msg_"));
    assert!(body["assistant_message_id"].as_str().unwrap().starts_with("msg_"));
    let messages = user.get(&format!("/conversations/{id}/messages")).await.ok();
    assert_eq!(messages[1]["created_at"], body["created_at"]);
    assert_eq!(messages[1]["id"], body["assistant_message_id"]);
    assert!(!answer.header("x-turn-id").is_empty());
    assert!(!answer.header("x-request-id").is_empty());
}

/// S0-43, S2-1, S2-2, S2-12, S2-13
async fn both_messages_are_kept_and_read_back_oldest_first(store: Store) {
    let mut app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    user.say(&id, "two").await.ok();
    let expected = ["user: one", "assistant: You said: one", "user: two", "assistant: You said: two"];
    assert_eq!(user.history(&id).await, expected);
    let messages = user.get(&format!("/conversations/{id}/messages?limit=1&order=desc")).await.ok();
    assert_eq!(messages.as_array().unwrap().len(), 1);
    assert_eq!(messages[0]["content"], "You said: two");
    for key in ["id", "conversation_id", "role", "content", "created_at"] {
        assert!(messages[0].get(key).is_some(), "{key}");
    }
    assert!(messages[0].get("state").is_none());
    app.terminate().await;
    app.start_again().await;
    assert_eq!(user.history(&id).await, expected);
    let body = user.get(&format!("/conversations/{id}")).await.ok();
    assert_eq!(body["message_count"], 2);
    assert_eq!(body["title"], "one");
    assert!(body["total_tokens"].as_u64().unwrap() > 0);
    assert!(body["total_cost"].as_f64().unwrap() > 0.0);
}

/// S2-17
async fn the_history_goes_to_the_model(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    user.say(&id, "two").await.ok();
    let seen = app.llm.calls()[1].messages();
    let seen: Vec<String> = seen.into_iter().map(|(role, text)| format!("{role}: {text}")).collect();
    assert_eq!(seen, ["user: one", "assistant: You said: one", "user: two"]);
}

/// S2-3, S2-7, S2-8, S2-9, S2-18, S2-19, C-17
async fn the_configured_model_is_asked(store: Store) {
    let app = App::start_with(store, &[("LLM_MODEL", "openai/gpt-3.5-turbo")]).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    user.post(&format!("/conversation/completion/{id}"), json!({"message": "two"})).await.ok();
    let call = &app.llm.calls()[0];
    assert_eq!((call.path.as_str(), call.model()), ("/v1/chat/completions", "gpt-3.5-turbo"));
    assert_eq!(app.llm.calls()[1].model(), "gpt-3.5-turbo");
    let key = format!("Bearer {}", crate::support::PROVIDER_KEY);
    assert_eq!(call.header("authorization"), Some(key.as_str()));

    let router = App::start_with(
        store,
        &[
            ("LLM_PROVIDER", "openrouter"),
            ("OPENROUTER_API_KEY", "or-key"),
            ("OPENROUTER_BASE_URL", &app.llm.base_url()),
            ("LLM_MODEL", "anthropic/claude-3.5-sonnet"),
        ],
    )
    .await;
    let user = router.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    let call = app.llm.calls().pop().unwrap();
    assert_eq!((call.path.as_str(), call.model()), ("/v1/chat/completions", "anthropic/claude-3.5-sonnet"));
    assert_eq!(call.header("authorization"), Some("Bearer or-key"));
}

/// S0-39, S0-41, S2-14, C-20
async fn deleting_hides_and_restoring_brings_back(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    let body = user.delete(&format!("/conversations/{id}")).await.ok();
    assert_eq!(
        body,
        json!({"success": true, "message": "Conversation deleted successfully", "id": id, "soft": true})
    );
    user.get(&format!("/conversations/{id}")).await.is_error(404, "conversation_not_found");
    user.get(&format!("/conversations/{id}/messages")).await.is_error(404, "conversation_not_found");
    user.say(&id, "two").await.is_error(404, "conversation_not_found");
    user.delete(&format!("/conversations/{id}")).await.is_error(404, "conversation_not_found");
    assert_eq!(user.get("/conversations/project/p1").await.ok(), json!([]));
    user.post_nothing(&format!("/conversations/{id}/restore")).await.ok();
    assert_eq!(user.history(&id).await.len(), 2);
    user.post_nothing(&format!("/conversations/{id}/restore")).await.is_error(404, "conversation_not_found");
}

/// S0-40, C-11, C-20
async fn deleting_for_good_leaves_nothing(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    user.say(&id, "one").await.ok();
    user.delete(&format!("/conversations/{id}")).await.ok();
    let body = user.delete(&format!("/conversations/{id}?soft=false")).await.ok();
    assert_eq!(body["soft"], false);
    user.post_nothing(&format!("/conversations/{id}/restore")).await.is_error(404, "conversation_not_found");
    user.delete(&format!("/conversations/{id}?soft=maybe")).await.is_error(422, "validation_error");
}

/// S2-15, C-40
async fn a_project_lists_its_conversations_newest_update_first(store: Store) {
    let app = App::start(store).await;
    let (user, other) = (app.user("ann").await, app.user("bob").await);
    let first = user.conversation().await;
    let second = user.conversation().await;
    other.conversation().await;
    user.say(&first, "one").await.ok();
    let ids = |body: Value| -> Vec<String> {
        body.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(user.get("/conversations/project/p1").await.ok()), [first.clone(), second.clone()]);
    assert_eq!(ids(user.get("/conversations/project/p1?limit=1&offset=1").await.ok()), [second]);
    assert_eq!(user.get("/conversations/project/unknown").await.ok(), json!([]));
    user.get("/conversations/project/p1?limit=0").await.is_error(422, "validation_error");
}

/// S2-12, S2-24, C-3
async fn every_form_of_an_id_is_accepted(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let uuid = user.conversation().await;
    let prefixed = format!("conv_{}", uuid.replace('-', ""));
    for form in [uuid.as_str(), prefixed.as_str()] {
        let body = user.get(&format!("/conversations/{form}")).await.ok();
        assert_eq!(body["id"], form);
        let body = user.say(form, "one").await.ok();
        assert_eq!(body["message_id"], form);
    }
    for unknown in ["conv_none", "01934a5b-6c7d-7e8f-9012-3456789abcde", "xyz", "99999999"] {
        let answer = user.get(&format!("/conversations/{unknown}")).await;
        answer.is_error(404, "conversation_not_found");
        user.say(unknown, "one").await.is_error(404, "conversation_not_found");
    }
}

/// S2-24, C-5, C-37
async fn bad_input_is_refused_and_not_stored(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let id = user.conversation().await;
    let path = format!("/conversations/{id}/messages");
    for body in [
        json!({}),
        json!({"content": ""}),
        json!({"content": " \n"}),
        json!({"content": null}),
        json!({"content": 5}),
        json!({"content": "a\u{0}b"}),
        json!({"content": "x".repeat(10_001)}),
        json!([]),
        json!("text"),
    ] {
        user.post(&path, body).await.is_error(422, "validation_error");
    }
    let raw = |text: &'static str, kind: &'static str| {
        let request = user.request(reqwest::Method::POST, &path).header("content-type", kind).body(text);
        async { crate::support::Answer::read(request.send().await.unwrap()).await }
    };
    raw("{\"content\":", "application/json").await.is_error(400, "invalid_json");
    raw("", "application/json").await.is_error(400, "invalid_json");
    raw("{\"content\":\"x\"}", "text/plain").await.is_error(400, "invalid_json");
    let large = json!({"content": "x".repeat(2_000_000)});
    user.post(&path, large).await.is_error(413, "payload_too_large");
    assert!(user.history(&id).await.is_empty());
    assert_eq!(app.llm.call_count(), 0);
    // The longest message is accepted; its length counts characters.
    user.say(&id, &"ä".repeat(10_000)).await.ok();
}

/// S2-20, C-28
async fn every_route_needs_a_token(store: Store) {
    let app = App::start(store).await;
    for (method, path) in [
        ("POST", "/conversations?project_id=p"),
        ("GET", "/conversations?user_id=u"),
        ("GET", "/conversations/1"),
        ("PATCH", "/conversations/1"),
        ("DELETE", "/conversations/1"),
        ("GET", "/conversations/1/messages"),
        ("POST", "/conversations/1/messages"),
        ("POST", "/conversations/1/stop"),
        ("GET", "/conversations/project/p"),
        ("GET", "/turns/01934a5b-6c7d-7e8f-9012-3456789abcde/events"),
        ("GET", "/auth/me"),
    ] {
        for token in [None, Some("garbled"), Some("eyJhbGciOiJub25lIn0.e30.")] {
            let url = format!("{}{path}", app.url);
            let mut request = app.http.request(method.parse().unwrap(), url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let answer = crate::support::Answer::read(request.send().await.unwrap()).await;
            assert_eq!(answer.status, 401, "{method} {path}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
    }
}

/// S0-67, S0-70, C-4
async fn errors_have_one_body_everywhere(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    user.get("/nowhere").await.is_error(404, "not_found");
    user.delete("/conversations").await.is_error(405, "method_not_allowed");
    let answer = app.http.get(format!("{}/nowhere", app.url)).send().await.unwrap();
    crate::support::Answer::read(answer).await.is_error(404, "not_found");
    user.get("/conversations").await.is_error(422, "validation_error");
    user.get("/turns/garbled/events").await.is_error(404, "turn_not_found");
}
