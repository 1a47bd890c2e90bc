//! Contract S4: personas, and conversations with them.

use serde_json::{Value, json};
use testkit::fake_llm::{Figures, InjectedFault, Reply};

use crate::support::persona_chat::{conversation, held, persona, put, send};
use crate::support::{App, Store, on_both_stores, on_sqlite_alone};

on_both_stores!(
    personas_are_kept,
    a_conversation_is_held_with_a_persona,
    an_answer_has_the_documented_body,
    the_newest_messages_are_history,
    messages_are_listed_and_deleted,
    deleting_a_persona_takes_its_conversations,
    other_users_are_forbidden,
    the_statistics_add_up,
);
on_sqlite_alone!(
    the_model_gets_the_description_of_the_persona,
    faults_are_mapped,
    bad_input_is_refused,
    health_needs_no_token,
);

/// S4-61, C-7, C-31
async fn personas_are_kept(store: Store) {
    let app = App::start(store).await;
    let (user, other) = (app.user("ann").await, app.user("bob").await);
    let created = user.post("/personas/", json!({"name": "Alex", "relation_type": "Friend"})).await.ok();
    assert_eq!((&created["id"], &created["relation_type"]), (&json!(1), &json!("friend")));
    assert_eq!((&created["status"], &created["user_id"]), (&json!("active"), &json!(user.id)));
    assert_eq!(created["description"], Value::Null);
    let alias = user.post("/personas", json!({"name": "Bo", "relationship": "parent"})).await.ok();
    assert_eq!(alias["relation_type"], "parent");
    let changed = put(&user, "/personas/1", json!({"description": "Kind."})).await.ok();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Alex"), &json!("Kind.")));
    assert_eq!(user.get("/personas/1").await.ok(), changed);
    assert_eq!(user.get("/personas/").await.ok().as_array().unwrap().len(), 2);
    assert_eq!(other.get("/personas").await.ok(), json!([]));
    other.get("/personas/1").await.is_error(404, "persona_not_found");
    other.delete("/personas/1").await.is_error(404, "persona_not_found");
    let deleted = user.delete("/personas/1").await.ok();
    assert_eq!(deleted, json!({"message": "Persona 1 deleted successfully"}));
    user.get("/personas/1").await.is_error(404, "persona_not_found");
}

/// S4-5, S4-10, S4-11, S4-14, S4-15, S4-16, S4-35, S4-37
async fn a_conversation_is_held_with_a_persona(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    let unknown = user.post("/chat/conversations", json!({"title": "T", "persona_id": 1})).await;
    unknown.is_error(404, "persona_not_found");
    assert_eq!(unknown.json()["detail"], "Persona 1 not found");
    let first = persona(&user, "Alex", "friend").await;
    assert_eq!(conversation(&user, first, "First Chat with Alex").await, 1);
    let body = user.get("/chat/conversations/1").await.ok();
    for key in ["id", "title", "persona_id", "user_id", "is_active", "created_at", "updated_at"] {
        assert!(body.get(key).is_some(), "{key}");
    }
    assert_eq!((&body["is_active"], &body["user_id"]), (&json!(true), &json!(user.id)));
    let second = persona(&user, "Alex", "parent").await;
    let body = json!({"title": "Updated Chat Title", "persona_id": second});
    let changed = put(&user, "/chat/conversations/1", body).await.ok();
    assert_eq!((&changed["title"], &changed["persona_id"]), (&json!("Updated Chat Title"), &json!(second)));
    assert_eq!(user.get(&format!("/chat/conversations?persona_id={first}")).await.ok(), json!([]));
    assert_eq!(user.get("/chat/conversations").await.ok().as_array().unwrap().len(), 1);
    // This contract does not show conversations without a persona.
    user.conversation().await;
    user.get("/chat/conversations/2").await.is_error(404, "conversation_not_found");
    let deleted = user.delete("/chat/conversations/1").await.ok();
    assert_eq!(deleted, json!({"message": "Conversation 1 deleted successfully"}));
    user.get("/chat/conversations/1").await.is_error(404, "conversation_not_found");
    user.get("/conversations/1").await.is_error(404, "conversation_not_found");
}

/// S4-17, S4-18, S4-19, S4-20, S4-27
async fn an_answer_has_the_documented_body(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let figures = Figures { input: 10, cached: 0, output: 15, reasoning: 0, cost: None };
    app.llm.script(Reply::text("Hey there!").figures(figures));
    let body = send(&user, 1, "Hi Alex! How are you doing today?").await.ok();
    assert_eq!(body["conversation"]["id"], 1);
    assert_ne!(body["conversation"]["updated_at"], body["conversation"]["created_at"]);
    let (question, reply) = (&body["user_message"], &body["assistant_message"]);
    assert_eq!((&question["id"], &reply["id"]), (&json!(1), &json!(2)));
    assert_eq!((&question["role"], &reply["role"]), (&json!("user"), &json!("assistant")));
    assert_eq!(question["conversation_id"], 1);
    assert!(question["tokens_used"].is_null());
    assert_eq!((&reply["content"], &reply["tokens_used"]), (&json!("Hey there!"), &json!(25)));
    assert_eq!(reply["model_used"], "gpt-3.5-turbo");
    assert!(reply["response_time_ms"].is_u64());
    let call = &app.llm.calls()[0];
    assert_eq!(call.body["model"], "gpt-3.5-turbo");
    assert_eq!(call.body["max_tokens"], 1000);
    assert_eq!(call.body["temperature"].as_f64(), Some(0.7));
}

/// S4-1, S4-3
async fn the_model_gets_the_description_of_the_persona(store: Store) {
    let app = App::start(store).await;
    let user = app.user("ann").await;
    for (relation, word) in [("parent", "nurturing"), ("colleague", "professional"), ("other", "engaging")] {
        let persona = persona(&user, "Alex", relation).await;
        let conversation = conversation(&user, persona, "T").await;
        send(&user, conversation, "hi").await.ok();
        let call = app.llm.calls().pop().unwrap();
        assert_eq!(call.body["messages"][0]["role"], "system");
        let told = call.body["messages"][0]["content"].as_str().unwrap();
        assert!(told.contains("Alex") && told.contains("Loves chess.") && told.contains(word), "{told}");
    }
}

/// S4-2, S4-47
async fn the_newest_messages_are_history(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for number in 0..12 {
        send(&user, 1, &format!("n{number}")).await.ok();
    }
    // The persona's instructions, the newest 20 messages, the question.
    let call = app.llm.calls().pop().unwrap();
    assert_eq!(call.messages().len(), 22);
    assert_eq!(call.messages()[1].1, "n1");
}

/// S4-4, S4-21, S4-22, S4-23
async fn messages_are_listed_and_deleted(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for number in 0..3 {
        send(&user, 1, &format!("n{number}")).await.ok();
    }
    let path = "/chat/conversations/1/messages";
    let list = user.get(path).await.ok();
    assert_eq!(list.as_array().unwrap().len(), 6);
    assert_eq!(list[1]["model_used"], "gpt-3.5-turbo");
    let newest = user.get(&format!("{path}?limit=2")).await.ok();
    assert_eq!(newest.as_array().unwrap()[..], list.as_array().unwrap()[4..]);
    user.get(&format!("{path}?limit=0")).await.is_error(422, "validation_error");
    let deleted = user.delete("/chat/messages/2").await.ok();
    assert_eq!(deleted, json!({"message": "Message 2 deleted successfully"}));
    user.delete("/chat/messages/2").await.is_error(404, "message_not_found");
    assert_eq!(user.get(path).await.ok().as_array().unwrap().len(), 5);
    let totals = user.get("/chat/stats").await.ok();
    send(&user, 1, "next").await.ok();
    assert!(!app.llm.calls().pop().unwrap().body.to_string().contains("You said: n0"));
    assert!(totals["total_tokens"].as_u64().unwrap() > 0);
}

/// S4-60
async fn deleting_a_persona_takes_its_conversations(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    send(&user, 1, "hi").await.ok();
    user.delete("/personas/1").await.ok();
    user.get("/chat/conversations/1").await.is_error(404, "conversation_not_found");
    user.get("/conversations/1").await.is_error(404, "conversation_not_found");
    user.delete("/chat/messages/1").await.is_error(404, "message_not_found");
}

/// S4-7, S4-14, S4-38, C-7, Threat 4
async fn other_users_are_forbidden(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (held(&app).await, app.user("bob").await);
    send(&ann, 1, "hi").await.ok();
    ann.conversation().await;
    let path = "/chat/conversations/1";
    bob.get(path).await.is_error(403, "conversation_forbidden");
    bob.delete(path).await.is_error(403, "conversation_forbidden");
    bob.get(&format!("{path}/messages")).await.is_error(403, "conversation_forbidden");
    send(&bob, 1, "hi").await.is_error(403, "conversation_forbidden");
    bob.delete("/chat/messages/1").await.is_error(403, "message_forbidden");
    put(&bob, path, json!({"title": "mine"})).await.is_error(403, "conversation_forbidden");
    let body = json!({"title": "T", "persona_id": 1});
    bob.post("/chat/conversations", body).await.is_error(404, "persona_not_found");
    assert_eq!(bob.get("/chat/conversations").await.ok(), json!([]));
    // This contract hides conversations without a persona; the other contracts hide all foreign ones.
    bob.get("/chat/conversations/2").await.is_error(404, "conversation_not_found");
    bob.get("/conversations/1").await.is_error(404, "conversation_not_found");
    assert_eq!(app.llm.call_count(), 1);
}

/// S4-24
async fn the_statistics_add_up(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    let figures = Figures { input: 4_000, cached: 0, output: 1_000, reasoning: 0, cost: None };
    app.llm.script(Reply::text("x").figures(figures));
    send(&user, 1, "hi").await.ok();
    let other = user.conversation().await;
    user.say(&other, "hi").await.ok();
    let stats = user.get("/chat/stats").await.ok();
    let expected = json!({
        "total_conversations": 1, "total_messages": 2, "total_tokens": 5000, "estimated_cost_usd": 0.01
    });
    assert_eq!(stats, expected);
}

/// S4-36, S4-39, C-14
async fn faults_are_mapped(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for (fault, status, code) in [
        (InjectedFault::rate_limited(120), 429, "upstream_rate_limited"),
        (InjectedFault::status(401), 500, "upstream_unauthorized"),
        (InjectedFault::status(400), 400, "upstream_rejected"),
    ] {
        app.llm.script(Reply::fault(fault));
        send(&user, 1, "hi").await.is_error(status, code);
    }
}

/// S4-9, S4-15, S4-22, S4-39
async fn bad_input_is_refused(store: Store) {
    let app = App::start(store).await;
    let user = held(&app).await;
    for body in [
        json!({"title": " ", "persona_id": 1}),
        json!({"title": "t".repeat(256), "persona_id": 1}),
        json!({"title": "T"}),
        json!({"title": "T", "persona_id": "one"}),
    ] {
        user.post("/chat/conversations", body).await.is_error(422, "validation_error");
    }
    for body in [
        json!({"name": " ", "relation_type": "friend"}),
        json!({"name": "n".repeat(129), "relation_type": "friend"}),
        json!({"name": "Alex", "relation_type": "boss"}),
        json!({"name": "Alex"}),
    ] {
        user.post("/personas/", body).await.is_error(422, "validation_error");
    }
    send(&user, 1, " ").await.is_error(422, "validation_error");
    put(&user, "/chat/conversations/1", json!({})).await.is_error(422, "validation_error");
    user.get("/chat/conversations/one").await.is_error(422, "validation_error");
    user.delete("/chat/messages/one").await.is_error(422, "validation_error");
}

/// S4-25, C-28
async fn health_needs_no_token(store: Store) {
    let app = App::start(store).await;
    let body = app.probe("/chat/health").await.ok();
    assert_eq!(body, json!({"status": "healthy", "openai_api": "connected"}));
}
