//! `/conversations*`: both contracts on the same paths.

use actix_web::test::TestRequest;
use domain::conversation::Summary;
use domain::{
    Conversation, ConversationKey, FailureKind, JsonText, MessagePage, MessageState, NanoDollars, Page, Role,
    SortOrder, Title, Totals,
};
use ports::{Access, BeginError, ModelError, Purged};
use serde_json::json;

use crate::support::{
    ID, PREFIXED, Setup, Step, UUID, batch, by_alice, conversation, get, granted, message, now, post, setup,
    start,
};

fn with_create() -> Setup {
    let mut setup = setup();
    setup.conversations.expect_create().returning(|new| {
        let (label, project, title, metadata) = (new.label, new.project, new.title, new.metadata);
        Ok(Conversation { label, project, title, metadata, begun_by: new.begun_by, ..conversation() })
    });
    setup
}

#[actix_web::test]
async fn a_body_creates_a_conversation_of_s0() {
    let app = start(with_create()).await;
    let body = json!({"user_id": "user123", "title": "My Chat", "metadata": {"category": "support"}});
    let made = app.call(post("/conversations", body)).await;
    assert_eq!(made.status, 200);
    assert_eq!(
        made.json(),
        json!({"id": PREFIXED, "user_id": "user123", "project_id": null, "title": "My Chat", "summary": null,
            "summary_message_count": 0, "summary_updated_at": null, "message_count": 0, "total_tokens": 0,
            "total_cost": 0.0, "metadata": {"category": "support"},
            "created_at": "2023-11-14T22:13:20.000000Z", "updated_at": "2023-11-14T22:13:20.000000Z"})
    );
    let empty = app.call(post("/conversations", json!({}))).await.json();
    assert_eq!((empty["user_id"].as_str(), empty["metadata"].clone()), (Some("1"), json!({})));
}

#[actix_web::test]
async fn a_project_in_the_query_creates_a_conversation_of_s2() {
    let app = start(with_create()).await;
    let bare = by_alice(TestRequest::post().uri("/conversations?project_id=my%20project"));
    let made = app.call(bare).await.json();
    assert_eq!((made["id"].as_str(), made["project_id"].as_str()), (Some(UUID), Some("my project")));
    let ignored = by_alice(TestRequest::post().uri("/conversations?project_id=p")).set_payload("{broken");
    assert_eq!(app.call(ignored).await.status, 200);
}

#[actix_web::test]
async fn a_create_without_project_and_body_is_422() {
    let app = start(setup()).await;
    let bare = || by_alice(TestRequest::post().uri("/conversations"));
    assert_eq!(app.call(bare()).await.status, 422);
    assert_eq!(app.call(bare().set_payload("{}")).await.status, 400);
    let long = "x".repeat(256);
    for query in ["", "%20", &long] {
        let blank = TestRequest::post().uri(&format!("/conversations?project_id={query}"));
        let answer = app.call(by_alice(blank)).await;
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (422, Some("project_id")));
    }
    let cases = [
        json!({"title": "x".repeat(501)}),
        json!({"title": " "}),
        json!({"user_id": "x".repeat(256)}),
        json!({"user_id": 5.5}),
        json!({"user_id": -5}),
        json!({"user_id": true}),
        json!({"metadata": "x"}),
        json!({"metadata": {"a": "\u{0}"}}),
    ];
    for body in cases {
        assert_eq!(app.call(post("/conversations", &body)).await.status, 422, "{body:.60}");
    }
}

#[actix_web::test]
async fn conversations_are_listed_by_label_or_by_project() {
    let mut setup = setup();
    setup.conversations.expect_list().returning(|user, filter, page| {
        assert_eq!(user, domain::UserId(1));
        match (filter.label, filter.project) {
            (Some(label), None) => assert_eq!((label.as_str(), page), ("u", Page { limit: 50, offset: 1 })),
            (None, Some(project)) => {
                assert_eq!((project.as_str(), page), ("a/b", Page { limit: 1000, offset: 0 }));
            }
            other => panic!("{other:?}"),
        }
        Ok(vec![conversation()])
    });
    let app = start(setup).await;
    let by_label = app.call(get("/conversations?user_id=u&offset=1")).await.json();
    assert_eq!(by_label[0]["id"], PREFIXED);
    let by_project = app.call(get("/conversations/project/a%2Fb")).await.json();
    assert_eq!(by_project[0]["id"], UUID);
    let bad = ["", "user_id=", "user_id=u&limit=0", "user_id=u&limit=101", "user_id=u&offset=-1"];
    for query in bad {
        assert_eq!(app.call(get(&format!("/conversations?{query}"))).await.status, 422, "{query}");
    }
    assert_eq!(app.call(get("/conversations/project/p?limit=1001")).await.status, 422);
    let put = by_alice(TestRequest::put().uri("/conversations/project/messages"));
    assert_eq!(app.call(put).await.header("allow"), "GET, HEAD");
}

#[actix_web::test]
async fn an_id_is_returned_as_it_was_written() {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, key| {
        let summary = Summary { text: "They met.".to_owned(), message_count: 10, updated_at: now() };
        let totals = Totals { input: 10, output: 15, cost: NanoDollars(175_000) };
        let title = Title::parse("T").ok();
        let found =
            Conversation { summary: Some(summary), totals, title, message_count: 10, ..conversation() };
        Ok(granted(&key, found))
    });
    let app = start(setup).await;
    for id in [PREFIXED, UUID, "7", "01934A5B-6C7D-7E8F-9012-3456789ABCDE"] {
        let found = app.call(get(&format!("/conversations/{id}"))).await;
        assert_eq!((found.status, found.json()["id"].as_str()), (200, Some(id)));
    }
    let found = app.call(get("/conversations/7")).await.json();
    assert_eq!((found["total_tokens"].as_u64(), found["total_cost"].as_f64()), (Some(25), Some(0.000_175)));
    assert_eq!(
        (found["summary"].as_str(), found["summary_message_count"].as_u64()),
        (Some("They met."), Some(10))
    );
    for id in ["8", "conv_xxx", "nonsense!", "-1", "%00", "conversation-id"] {
        let absent = app.call(get(&format!("/conversations/{id}"))).await;
        assert_eq!((absent.status, absent.code().as_str()), (404, "conversation_not_found"), "{id}");
    }
}

#[actix_web::test]
async fn a_patch_changes_only_the_fields_that_are_present() {
    let mut setup = setup();
    setup.conversations.expect_patch().returning(|_, key, patch, _| {
        let metadata = patch.metadata.unwrap_or_else(JsonText::empty_object);
        Ok(granted(&key, Conversation { title: patch.title, metadata, ..conversation() }))
    });
    let app = start(setup).await;
    let patch = |body: serde_json::Value| {
        app.call(by_alice(TestRequest::patch().uri(&format!("/conversations/{PREFIXED}"))).set_json(body))
    };
    let patched = patch(json!({"title": "New Title", "metadata": {"updated": true}})).await.json();
    assert_eq!(
        (patched["title"].as_str(), patched["metadata"]["updated"].as_bool()),
        (Some("New Title"), Some(true))
    );
    assert_eq!(patched["id"], PREFIXED);
    for body in [json!({}), json!({"title": null}), json!({"title": "x".repeat(501)}), json!({"owner": 2})] {
        assert_eq!(patch(body).await.status, 422);
    }
}

#[actix_web::test]
async fn deletes_are_soft_by_default() {
    let mut setup = setup();
    setup
        .conversations
        .expect_soft_delete()
        .times(3)
        .returning(|_, key, _| Ok(granted(&key, conversation().id)));
    setup
        .conversations
        .expect_purge()
        .times(2)
        .returning(|_, key| Ok(granted(&key, Purged { id: conversation().id, running: None })));
    setup.conversations.expect_restore().returning(|_, key, _| Ok(granted(&key, conversation())));
    let app = start(setup).await;
    let delete =
        |query: &str| app.call(by_alice(TestRequest::delete().uri(&format!("/conversations/{UUID}{query}"))));
    for query in ["", "?soft=true", "?soft=YES"] {
        let deleted = delete(query).await.json();
        assert_eq!(
            deleted,
            json!({"success": true, "message": "Conversation deleted successfully", "id": UUID, "soft": true})
        );
    }
    for query in ["?soft=false", "?soft=0"] {
        assert_eq!(delete(query).await.json()["soft"], false);
    }
    for query in ["?soft=maybe", "?soft="] {
        assert_eq!(delete(query).await.status, 422);
    }
    let restore = by_alice(TestRequest::post().uri(&format!("/conversations/{UUID}/restore")));
    assert_eq!(app.call(restore).await.json()["id"], UUID);
}

#[actix_web::test]
async fn a_history_is_complete_and_in_order() {
    let mut setup = setup();
    setup.conversations.expect_messages().times(1).returning(|_, key, page| {
        assert_eq!(page, MessagePage::default());
        let mut reply = message(2, Role::Assistant, "Hel");
        reply.state = MessageState::Stopped;
        Ok(granted(&key, batch(vec![message(1, Role::User, "Hi"), reply])))
    });
    setup.conversations.expect_messages().returning(|_, key, page| {
        assert_eq!(page, MessagePage { order: SortOrder::Descending, limit: Some(50), ..page });
        assert_eq!((page.after, page.before), (None, None));
        Ok(granted(&key, batch(Vec::new())))
    });
    let app = start(setup).await;
    let path = format!("/conversations/{UUID}/messages");
    let (first, second) = (format!("msg_{:032x}", 1), format!("msg_{:032x}", 2));
    assert_eq!(
        app.call(get(&path)).await.json(),
        json!([
            {"id": first, "conversation_id": UUID, "role": "user", "content": "Hi",
                "created_at": "2023-11-14T22:13:20.000000Z"},
            {"id": second, "conversation_id": UUID, "role": "assistant", "content": "Hel",
                "created_at": "2023-11-14T22:13:20.000000Z", "state": "stopped"},
        ])
    );
    assert_eq!(app.call(get(&format!("{path}?limit=50&order=desc"))).await.json(), json!([]));
    for query in ["order=x", "limit=0", "limit=1001"] {
        assert_eq!(app.call(get(&format!("{path}?{query}"))).await.status, 422, "{query}");
    }
}

#[actix_web::test]
async fn the_message_id_of_s2_is_the_id_of_the_conversation() {
    let app =
        start(setup().with_working_turns(vec![Step::Say("Hel"), Step::Say("lo"), Step::Usage, Step::Finish]))
            .await;
    for id in [UUID, PREFIXED] {
        let sent = app.call(post(&format!("/conversations/{id}/messages"), json!({"content": "Hi"}))).await;
        assert_eq!(sent.status, 200);
        let body = sent.json();
        assert_eq!((body["message_id"].as_str(), body["conversation_id"].as_str()), (Some(id), Some(id)));
        assert_eq!(body["response"], "Hello");
        assert_eq!(body["created_at"], "2023-11-14T22:13:20.000000Z");
        for key in ["user_message_id", "assistant_message_id"] {
            assert!(body[key].as_str().unwrap().starts_with("msg_"), "{key}");
        }
        assert!(body.get("state").is_none());
        assert_eq!(sent.header("x-conversation-id"), id);
        assert_eq!(sent.header("x-turn-id").len(), 36);
    }
}

#[actix_web::test]
async fn a_failed_turn_has_a_status_and_its_turn_id() {
    let steps = vec![Step::Say("Hel"), Step::Fail(|| ModelError::TimedOut)];
    let app = start(setup().with_working_turns(steps)).await;
    let failed = app.call(post(&format!("/conversations/{UUID}/messages"), json!({"content": "Hi"}))).await;
    assert_eq!((failed.status, failed.code()), (502, FailureKind::TimedOut.code().to_string()));
    assert_eq!(failed.header("x-turn-id").len(), 36);
    assert_eq!(failed.header("x-conversation-id"), UUID);
}

#[actix_web::test]
async fn a_refused_message_has_the_code_of_its_reason() {
    let mut setup = setup();
    setup
        .turns
        .expect_begin()
        .times(1)
        .returning(|_| Err(BeginError::Busy { retry_after: std::time::Duration::from_millis(1_500) }));
    setup.turns.expect_begin().times(1).returning(|_| Err(BeginError::NotFound));
    setup.turns.expect_begin().returning(|_| Err(BeginError::Foreign));
    setup.conversations.expect_find().returning(|_, key: ConversationKey| {
        Ok(if key == ConversationKey::Number(domain::ConversationNumber(8)) {
            Access::Absent
        } else {
            Access::Foreign
        })
    });
    let app = start(setup).await;
    let send = |id: &str| app.call(post(&format!("/conversations/{id}/messages"), json!({"content": "Hi"})));
    let busy = send(UUID).await;
    assert_eq!(
        (busy.status, busy.code().as_str(), busy.header("retry-after")),
        (409, "conversation_busy", "2")
    );
    for id in [UUID, PREFIXED, "8", "9", "nonsense!"] {
        let absent = send(id).await;
        assert_eq!((absent.status, absent.code().as_str()), (404, "conversation_not_found"), "{id} of {ID}");
    }
}
