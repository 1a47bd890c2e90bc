//! No user sees the data of another user.

use serde_json::json;

use crate::support::{App, Store, on_both_stores};

on_both_stores!(no_route_shows_the_data_of_another_user, a_label_is_no_identity);

const CANARY: &str = "canary-5b1c7a9e";

/// S1-25, Threat 1, Threat 2, Threat 10
async fn no_route_shows_the_data_of_another_user(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    let uuid = ann.conversation().await;
    let answer = ann.say(&uuid, CANARY).await;
    answer.ok();
    let turn = answer.header("x-turn-id").to_owned();
    let prefixed = format!("conv_{}", uuid.replace('-', ""));
    let before = ann.get(&format!("/conversations/{uuid}")).await.ok();
    let calls = app.llm.call_count();
    for id in [uuid.as_str(), prefixed.as_str(), "1"] {
        let found = [
            bob.get(&format!("/conversations/{id}")).await,
            bob.get(&format!("/conversations/{id}/messages")).await,
            bob.patch(&format!("/conversations/{id}"), json!({"title": "mine"})).await,
            bob.delete(&format!("/conversations/{id}")).await,
            bob.delete(&format!("/conversations/{id}?soft=false")).await,
            bob.post_nothing(&format!("/conversations/{id}/restore")).await,
            bob.post_nothing(&format!("/conversations/{id}/stop")).await,
            bob.say(id, "hello").await,
            bob.post(&format!("/conversation/completion/{id}"), json!({"message": "hi"})).await,
            bob.post(&format!("/conversation/completion/{id}"), json!({"message": "hi", "stream": true}))
                .await,
        ];
        for answer in found {
            answer.is_error(404, "conversation_not_found");
            assert!(!answer.text.contains(CANARY));
        }
    }
    let body = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}], "session_id": 1});
    for path in ["/v1/chat/stream", "/v1/chat/switch-model"] {
        bob.post(path, body.clone()).await.is_error(404, "conversation_not_found");
    }
    bob.delete("/v1/chat/sessions/1").await.is_error(404, "conversation_not_found");
    assert_eq!(bob.get("/v1/chat/history").await.ok()["total"], 0);
    bob.get(&format!("/turns/{turn}/events")).await.is_error(404, "turn_not_found");
    for list in ["/conversation", "/conversations/project/p1", "/conversations?user_id=1"] {
        assert_eq!(bob.get(list).await.ok(), json!([]), "{list}");
    }
    assert_eq!(ann.get(&format!("/conversations/{uuid}")).await.ok(), before);
    assert_eq!(ann.history(&uuid).await.len(), 2);
    assert_eq!(app.llm.call_count(), calls);
}

/// C-6, Threat 10, Threat 11
async fn a_label_is_no_identity(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    ann.post("/conversations", json!({"user_id": "user123", "title": "Ann's"})).await.ok();
    let body = bob.post("/conversations", json!({"user_id": "user123", "title": "Bob's"})).await.ok();
    assert_eq!(body["user_id"], "user123");
    let list = bob.get("/conversations?user_id=user123").await.ok();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["title"], "Bob's");
}
