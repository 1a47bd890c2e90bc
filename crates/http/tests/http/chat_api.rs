//! Contract S1: sessions. Its uploads are in `uploads`.

use actix_web::test::TestRequest;
use domain::{Contract, Conversation, UserId};
use ports::{Access, Purged};
use serde_json::json;

use crate::support::{by_alice, conversation, granted, post, setup, start};

fn delete(path: &str) -> TestRequest {
    by_alice(TestRequest::delete().uri(path))
}

/// S1-29, S1-55, S1-57
#[actix_web::test]
async fn a_new_session_has_the_documented_body() {
    let mut setup = setup();
    setup.conversations.expect_create().returning(|new| {
        assert_eq!((new.begun_by, new.owner), (Contract::ChatApi, UserId(1)));
        assert_eq!(new.model.as_ref().map(domain::ModelName::as_str), Some("gpt-4"));
        Ok(Conversation { title: new.title, model: new.model, application: None, ..conversation() })
    });
    let app = start(setup).await;
    let body = json!({"model": "gpt-4", "id": 99, "user_id": 2, "application_id": 3, "messages": [1]});
    let made = app.call(post("/v1/chat/sessions", body)).await;
    let time = "2023-11-14T22:13:20.000000Z";
    let shown = json!({"id": 7, "user_id": 1, "application_id": null, "model": "gpt-4",
        "title": "New conversation", "messages": [], "created_at": time, "updated_at": time});
    assert_eq!((made.status, made.json()), (200, shown));
    let titled = json!({"model": "gpt-4", "title": " Summaries "});
    let titled = app.call(post("/v1/chat/sessions", titled)).await;
    assert_eq!((titled.status, titled.json()["title"].as_str()), (200, Some("Summaries")));
    let untitled = app.call(post("/v1/chat/sessions", json!({"model": "gpt-4", "title": null}))).await;
    assert_eq!(untitled.json()["title"], "New conversation");
}

/// S1-54, S1-57
#[actix_web::test]
async fn an_invalid_session_is_400() {
    let app = start(setup()).await;
    for body in [
        json!({}),
        json!([]),
        json!(null),
        json!({"model": ""}),
        json!({"model": null}),
        json!({"model": 5}),
        json!({"model": "no such model!"}),
        json!({"model": "m".repeat(129)}),
        json!({"model": "gpt-4", "title": " "}),
        json!({"model": "gpt-4", "title": 5}),
        json!({"model": "gpt-4", "title": "a\u{0}"}),
        json!({"model": "gpt-4", "title": "t".repeat(501)}),
    ] {
        let answer = app.call(post("/v1/chat/sessions", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"), "{body:.60}");
    }
    let broken = by_alice(TestRequest::post().uri("/v1/chat/sessions")).set_payload("{\"model\":");
    let broken = app.call(broken.insert_header(("content-type", "application/json"))).await;
    assert_eq!((broken.status, broken.code().as_str()), (400, "invalid_json"));
}

/// S1-23, S1-34, S1-54
#[actix_web::test]
async fn a_session_is_deleted_once_and_only_by_its_owner() {
    let mut setup = setup();
    setup.conversations.expect_purge().times(1).returning(|user, key| {
        assert_eq!(user, UserId(1));
        assert_eq!(key, conversation().id.into());
        Ok(Access::Granted(Purged { id: conversation().id, running: None }))
    });
    setup.conversations.expect_find().times(1).returning(|_, key| Ok(granted(&key, conversation())));
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Absent));
    setup.conversations.expect_find().times(1).returning(|_, _| Ok(Access::Foreign));
    let app = start(setup).await;
    let deleted = app.call(delete("/v1/chat/sessions/7")).await;
    assert_eq!((deleted.status, deleted.json()), (200, json!({"message": "Session deleted successfully"})));
    for _ in ["absent", "foreign"] {
        let answer = app.call(delete("/v1/chat/sessions/7")).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"));
        assert_eq!(answer.json()["detail"], "Chat session not found");
    }
    for number in ["abc", "7.0", "conv_7", "%00", crate::support::UUID] {
        let answer = app.call(delete(&format!("/v1/chat/sessions/{number}"))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"), "{number}");
        assert_eq!(answer.json()["error"]["param"], "session_id");
    }
}
