//! Fields of a body that are not the caller's to set: ids, owners, times, totals. They are ignored.

use serde_json::{Value, json};

use super::described::Scene;
use super::object_access::state;
use crate::support::persona_chat::{held, put};
use crate::support::{Answer, App, Store, on_sqlite_alone};

on_sqlite_alone!(fields_that_name_another_owner_are_ignored, a_label_does_not_use_the_quota_of_another_user,);

/// Threat 8, C-6
async fn fields_that_name_another_owner_are_ignored(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, "hi").await;
    let ann = &scene.ann;
    let before = state(ann).await;
    let with = |mut body: Value| {
        let foreign = json!({
            "id": 1, "number": 1, "owner": ann.id, "owner_id": ann.id, "tenant_id": 1, "role": "admin",
            "is_admin": true, "is_active": false, "active": false, "status": "retired", "tier": "enterprise",
            "created_at": "2000-01-01T00:00:00Z", "updated_at": "2000-01-01T00:00:00Z", "total_cost": 9,
            "total_tokens": 9, "message_count": 9, "summary": "x", "begun_by": "open_ai", "deleted_at": null,
            "usage_count": 9, "is_template": true, "state": "failed", "parent": 1, "turn_id": scene.turn,
        });
        body.as_object_mut().unwrap().extend(foreign.as_object().unwrap().clone());
        body
    };
    let registration = with(json!({"username": "bob", "password": "password123"}));
    let registered =
        app.http.post(format!("{}/auth/register", app.url)).json(&registration).send().await.unwrap();
    let registered = Answer::read(registered).await.ok();
    assert_eq!((&registered["id"], &registered["tier"]), (&json!(ann.id + 1), &json!("free")));
    let mut bob = ann.clone();
    bob.token = registered["access_token"].as_str().unwrap().to_owned();
    bob.id = ann.id + 1;

    let mut body = with(json!({"name": "Bo", "relation_type": "child"}));
    body["user_id"] = json!(ann.id);
    let made = bob.post("/personas", body.clone()).await.ok();
    let changed = put(&bob, &format!("/personas/{}", made["id"]), body).await.ok();
    for persona in [&made, &changed] {
        assert_eq!((&persona["id"], &persona["user_id"]), (&json!(2), &json!(bob.id)));
        assert_eq!(persona["status"], "active");
    }
    let mut body = with(json!({"title": "Bob's", "persona_id": 2}));
    body["user_id"] = json!(ann.id);
    let made = bob.post("/chat/conversations", body.clone()).await.ok();
    let changed = put(&bob, &format!("/chat/conversations/{}", made["id"]), body).await.ok();
    for conversation in [&made, &changed] {
        assert_eq!((&conversation["id"], &conversation["user_id"]), (&json!(2), &json!(bob.id)));
        assert_eq!(conversation["is_active"], true);
        assert!(!conversation["created_at"].as_str().unwrap().starts_with("2000"));
    }
    let body = with(json!({"content": "hi", "conversation_id": 1, "persona_id": 1}));
    let sent = bob.post("/chat/conversations/2/send", body).await.ok();
    assert_eq!(sent["user_message"]["conversation_id"], 2);
    assert_eq!(sent["assistant_message"].get("state"), None);

    let mut body = with(json!({"title": "Bob's", "project_id": "p1", "store": "openai", "model": "x"}));
    body["user_id"] = json!(ann.id.to_string());
    let made = bob.post("/conversations", body.clone()).await.ok();
    let path = format!("/conversations/{}", made["id"].as_str().unwrap());
    let changed = bob.patch(&path, body).await.ok();
    for row in [&made, &changed] {
        assert_eq!((&row["project_id"], &row["summary"]), (&Value::Null, &Value::Null));
        assert_eq!((&row["message_count"], &row["total_tokens"]), (&json!(0), &json!(0)));
        assert!(!row["created_at"].as_str().unwrap().starts_with("2000"));
    }
    bob.get(&path).await.ok();

    let mut body = with(json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}]}));
    body["user_id"] = json!(ann.id);
    bob.post("/v1/chat/stream", body).await;
    let session = bob.get("/v1/chat/history").await.ok()["sessions"][0].take();
    assert_eq!((&session["user_id"], &session["messages"][0]["content"]), (&json!(bob.id), &json!("hi")));
    assert!(!session["created_at"].as_str().unwrap().starts_with("2000"));

    let mut body = with(json!({"title": "Bob's", "content": "{text}", "scenario": "s", "version": 9}));
    body["user_id"] = json!(ann.id);
    let made = bob.post("/api/chat/prompts", body.clone()).await.ok();
    let changed = put(&bob, "/api/chat/prompts/2", body).await.ok();
    for prompt in [&made, &changed] {
        assert_eq!((&prompt["id"], &prompt["is_template"]), (&json!(2), &json!(false)));
        assert_eq!(prompt["usage_count"], 0);
        assert!(!prompt["created_at"].as_str().unwrap().starts_with("2000"));
    }
    assert_eq!(state(ann).await, before);
}

/// Threat 11
async fn a_label_does_not_use_the_quota_of_another_user(store: Store) {
    let app = App::start_with(store, &[("RATE_LIMIT_PER_MINUTE", "2")]).await;
    let (ann, bob) = (held(&app).await, app.user("bob").await);
    let label = ann.id.to_string();
    for _ in 0..2 {
        bob.post("/chat", json!({"input": "hi", "user_id": label})).await.ok();
    }
    let spent = bob.post("/chat", json!({"input": "hi", "user_id": label})).await;
    spent.is_error(429, "rate_limit_exceeded");
    for _ in 0..2 {
        ann.post("/chat", json!({"input": "hi", "user_id": label})).await.ok();
    }
    // His conversation with that label is his own, and not in her list.
    assert_eq!(bob.get(&format!("/conversations?user_id={label}")).await.ok().as_array().unwrap().len(), 2);
    assert_eq!(ann.get("/conversation").await.ok().as_array().unwrap().len(), 3);
}
