//! Contract S1: sessions. Its uploads are in `uploads`.

use actix_web::test::TestRequest;
use domain::{Contract, Conversation, MessagePage, Page, Role, Seq, ShownModel, UserId};
use ports::{Access, ConversationFilter, MessageBatch, Purged, StoreError};
use serde_json::{Value, json};

use crate::support::sockets::{Client, chunks, serve};
use crate::support::{Setup, batch, by_alice, conversation, get, granted, message, post, setup, start};

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

/// S1-25, S1-26, S1-27, S1-28
#[actix_web::test]
async fn the_query_of_the_history_selects_sessions() {
    let mut setup = setup();
    let (asked, filters) = std::sync::mpsc::channel();
    setup.conversations.expect_list().returning(move |user, filter, page| {
        assert_eq!(user, UserId(1));
        asked.send((filter, page)).unwrap();
        Ok(Vec::new())
    });
    setup.conversations.expect_count().returning(|_, _| Ok(11));
    let app = start(setup).await;
    let selected = async |query: &str, shown: (u32, u32)| {
        let answer = app.call(get(&format!("/v1/chat/history{query}"))).await;
        let body = json!({"total": 11, "page": shown.0, "page_size": shown.1, "sessions": []});
        assert_eq!((answer.status, answer.json()), (200, body), "{query}");
        filters.try_iter().last().unwrap()
    };
    let all = ConversationFilter::default();
    for query in ["", "?other=1", "?model=&start_date=&end_date="] {
        assert_eq!(selected(query, (1, 10)).await, (all.clone(), Page { limit: 10, offset: 0 }), "{query}");
    }
    let third = selected("?page=3&page_size=100", (3, 100)).await;
    assert_eq!(third, (all.clone(), Page { limit: 100, offset: 200 }));
    let far = selected("?page=4294967295&page_size=100", (u32::MAX, 100)).await;
    assert_eq!(far.1, Page { limit: 100, offset: u32::MAX });

    let new_year = "2024-01-01T00:00:00Z".parse().unwrap();
    let since = ConversationFilter { created_from: Some(new_year), ..all.clone() };
    let before = ConversationFilter { created_before: Some(new_year), ..all.clone() };
    for written in [
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00%2B00:00",
        "2024-01-01T00:00:00+00:00",
        "2024-01-01T00:00:00.000000",
        "2024-01-01T00:00:00",
        "2024-01-01",
    ] {
        assert_eq!(selected(&format!("?start_date={written}"), (1, 10)).await.0, since, "{written}");
        assert_eq!(selected(&format!("?end_date={written}"), (1, 10)).await.0, before, "{written}");
    }
    let shown = |name: &str, default_of: &[Contract]| {
        let name = domain::ModelName::parse(name).unwrap();
        Some(ShownModel { name, default_of: default_of.to_vec() })
    };
    assert_eq!(selected("?model=gpt-4", (1, 10)).await.0.model, shown("gpt-4", &[]));
    // The default of all contracts.
    let default = selected("?model=test-model", (1, 10)).await.0.model;
    assert_eq!(default, shown("test-model", &Contract::ALL));
}

/// Session 7 of two messages; the second one is in a batch of its own.
fn with_a_story(setup: &mut Setup, first: &str, second: fn() -> Result<MessageBatch, StoreError>) {
    let first = first.to_owned();
    setup.conversations.expect_list().returning(|_, _, _| Ok(vec![conversation()]));
    setup.conversations.expect_count().returning(|_, _| Ok(1));
    setup.conversations.expect_patch().returning(|user, key, patch, _| {
        assert_eq!((user, patch.title, patch.metadata, patch.persona), (UserId(1), None, None, None));
        Ok(granted(&key, Conversation { model: patch.model, ..conversation() }))
    });
    setup.conversations.expect_messages().returning(move |_, key, page| {
        let batch = match page.after {
            None => MessageBatch {
                messages: vec![message(1, Role::User, &first)],
                rest: Some(MessagePage { after: Some(Seq(1)), ..page }),
                has_more: false,
            },
            Some(_) => second()?,
        };
        Ok(granted(&key, batch))
    });
}

fn story() -> Value {
    json!([{"role": "user", "content": "Tell me a story"}, {"role": "assistant", "content": "Once …"}])
}

/// S1-18, S1-29, S1-32
#[actix_web::test]
async fn messages_that_come_in_batches_are_whole() {
    let mut setup = setup();
    with_a_story(&mut setup, "Tell me a story", || Ok(batch(vec![message(2, Role::Assistant, "Once …")])));
    let app = start(setup).await;
    let time = "2023-11-14T22:13:20.000000Z";
    let session = json!({"id": 7, "user_id": 1, "application_id": null, "model": "test-model",
        "title": "New conversation", "messages": story(), "created_at": time, "updated_at": time});
    let page = app.call(get("/v1/chat/history")).await;
    let body = json!({"total": 1, "page": 1, "page_size": 10, "sessions": [session]});
    assert_eq!((page.status, page.header("content-type"), page.json()), (200, "application/json", body));

    let switch = json!({"session_id": 7, "model": "gpt-3.5-turbo"});
    let switched = app.call(post("/v1/chat/switch-model", switch)).await;
    let body = json!({"session_id": 7, "model": "gpt-3.5-turbo", "title": "New conversation",
        "messages": story()});
    assert_eq!((switched.status, switched.json()), (200, body));
}

/// S1-18, S1-32
#[actix_web::test]
async fn an_answer_that_breaks_off_is_no_whole_json() {
    let mut setup = setup();
    // It fills some chunks.
    let first = "x".repeat(100_000);
    with_a_story(&mut setup, &first, || Err(StoreError::Unavailable("the database is gone".into())));
    let (settings, services) = setup.ready();
    let address = serve(settings, services).await;
    let switch = json!({"session_id": 7, "model": "gpt-4"}).to_string();
    for (method, path, body) in
        [("GET", "/v1/chat/history", ""), ("POST", "/v1/chat/switch-model", switch.as_str())]
    {
        let answer = Client::ask(address, method, path, body).await.until_closed().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:.200}");
        let (pieces, is_whole) = chunks(&answer);
        let text = pieces.concat();
        assert!(!is_whole, "{text:.200}");
        assert!(serde_json::from_str::<Value>(&text).is_err());
    }
}

/// S1-26, S1-27, S1-28
#[actix_web::test]
async fn an_invalid_query_of_the_history_is_400() {
    let app = start(setup()).await;
    for (query, param) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=", "page"),
        ("page=1.5", "page"),
        ("page=4294967296", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=x", "page_size"),
        ("start_date=yesterday", "start_date"),
        ("start_date=2023-02-29", "start_date"),
        ("start_date=1704067200", "start_date"),
        ("end_date=2024-01-01T25:00:00Z", "end_date"),
        ("end_date=%00", "end_date"),
        ("end_date=+", "end_date"),
        ("model=no%20such%20model!", "model"),
        ("model=%25", "model"),
        ("model=../x", "model"),
    ] {
        let answer = app.call(get(&format!("/v1/chat/history?{query}"))).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"), "{query}");
        assert_eq!(answer.json()["error"]["param"], param, "{query}");
    }
    let twice = app.call(get("/v1/chat/history?page=1&page=2")).await;
    assert_eq!(twice.status, 400);
}

/// S1-17, S1-23, S1-24
#[actix_web::test]
async fn an_invalid_switch_is_400_and_an_unknown_session_404() {
    let mut setup = setup();
    setup.conversations.expect_patch().times(1).returning(|_, _, _, _| Ok(Access::Absent));
    setup.conversations.expect_patch().times(1).returning(|_, _, _, _| Ok(Access::Foreign));
    let app = start(setup).await;
    for body in [
        json!({}),
        json!([]),
        json!({"session_id": 7}),
        json!({"model": "gpt-4"}),
        json!({"session_id": null, "model": "gpt-4"}),
        json!({"session_id": "7", "model": "gpt-4"}),
        json!({"session_id": 7.5, "model": "gpt-4"}),
        json!({"session_id": 1e30, "model": "gpt-4"}),
        json!({"session_id": 7, "model": null}),
        json!({"session_id": 7, "model": ""}),
        json!({"session_id": 7, "model": "no such model!"}),
        json!({"session_id": 7, "model": "m".repeat(129)}),
    ] {
        let answer = app.call(post("/v1/chat/switch-model", &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "validation_error"), "{body:.60}");
    }
    for _ in ["absent", "foreign"] {
        let body = json!({"session_id": 7, "model": "gpt-4"});
        let answer = app.call(post("/v1/chat/switch-model", body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"));
        assert_eq!(answer.json()["detail"], "Chat session not found");
    }
}
