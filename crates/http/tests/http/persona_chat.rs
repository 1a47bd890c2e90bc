//! Contract S4: conversations with personas.

use std::time::Duration;

use actix_web::test::TestRequest;
use domain::{
    Conversation, ConversationKey, EndState, Ending, MessageNumber, MessagePage, MessageState, Page,
    PersonaId, Relation, ReplyFacts, Role, Seq, Title, Usage,
};
use ports::{Access, Finished, LastPage, MessageDeletion, ModelError, PersonaChatTotals};
use serde_json::json;

use crate::personas::persona;
use crate::support::{
    Setup, Step, appended, batch, by_alice, conversation, get, granted, kept, message, post, setup, start,
    unchanged,
};

/// Conversation 7, with persona 1.
fn held() -> Conversation {
    let title = Title::parse("First Chat with Alex").ok();
    Conversation { persona: Some(PersonaId(1)), title, ..conversation() }
}

fn with_conversation() -> Setup {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, key| Ok(granted(&key, held())));
    setup
}

/// A store that also keeps every reply.
fn with_exchanges(steps: Vec<Step>) -> Setup {
    let mut setup = with_questions(steps);
    setup.turns.expect_finish().returning(|finish| {
        let Finished::Done { ending, .. } = kept(finish) else { unreachable!("it is done") };
        Ok(Finished::Done { ending, change: Some(Box::new(unchanged(held()))) })
    });
    setup
}

/// A store that can only open turns in conversation 7.
fn with_questions(steps: Vec<Step>) -> Setup {
    let mut setup = setup();
    setup.steps = steps;
    setup.turns.expect_begin().returning(|begin| {
        let key = ConversationKey::Number(held().number);
        assert_eq!(begin.target, ports::Target::Existing { key, only_with_persona: true });
        let (model, window) = (begin.default_model, ports::Window::default());
        Ok(ports::Begun {
            conversation: held(),
            persona: None,
            question: domain::Seq(1),
            appended: appended(&begin.messages),
            model,
            window,
            has_files: false,
        })
    });
    setup
}

#[actix_web::test]
async fn a_conversation_has_the_documented_body() {
    let mut setup = with_conversation();
    setup.personas.expect_find().returning(|_, id| {
        Ok(if id == PersonaId(1) {
            Access::Granted(persona("Alex", Relation::Friend))
        } else {
            Access::Foreign
        })
    });
    setup
        .conversations
        .expect_create()
        .returning(|new| Ok(Conversation { persona: new.persona, title: new.title, ..conversation() }));
    setup.conversations.expect_patch().returning(|_, key, patch, _| {
        let persona = patch.persona.or(Some(PersonaId(1)));
        Ok(granted(&key, Conversation { title: patch.title, persona, ..held() }))
    });
    setup
        .conversations
        .expect_purge()
        .returning(|_, key| Ok(granted(&key, ports::Purged { id: conversation().id, running: None })));
    let app = start(setup).await;
    let new = json!({"title": "First Chat with Alex", "persona_id": 1});
    let made = app.call(post("/chat/conversations", new)).await;
    let shown = json!({"id": 7, "title": "First Chat with Alex", "persona_id": 1, "user_id": 1,
        "is_active": true, "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:13:20.000000Z"});
    assert_eq!((made.status, made.json()), (200, shown.clone()));
    assert_eq!(app.call(get("/chat/conversations/7")).await.json(), shown);
    let put = |body: serde_json::Value| {
        app.call(by_alice(TestRequest::put().uri("/chat/conversations/7")).set_json(body))
    };
    assert_eq!(put(json!({"title": "New"})).await.json()["title"], "New");
    assert_eq!(put(json!({"persona_id": 1})).await.json()["persona_id"], 1);
    let foreign = put(json!({"persona_id": 2})).await;
    assert_eq!((foreign.status, foreign.json()["detail"].as_str()), (404, Some("Persona 2 not found")));
    for body in
        [json!({}), json!({"title": " "}), json!({"title": "t".repeat(256)}), json!({"persona_id": "x"})]
    {
        assert_eq!(put(body).await.status, 422);
    }
    let deleted = app.call(by_alice(TestRequest::delete().uri("/chat/conversations/7"))).await;
    assert_eq!(deleted.json(), json!({"message": "Conversation 7 deleted successfully"}));
    let unknown = app.call(post("/chat/conversations", json!({"title": "T", "persona_id": 2}))).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "persona_not_found"));
    for body in [
        json!({"persona_id": 1}),
        json!({"title": "T"}),
        json!({"title": "T", "persona_id": "one"}),
        json!({"title": "t".repeat(256), "persona_id": 1}),
    ] {
        assert_eq!(app.call(post("/chat/conversations", body)).await.status, 422);
    }
}

#[actix_web::test]
async fn only_conversations_with_personas_are_listed() {
    let mut setup = setup();
    setup.conversations.expect_list().returning(|_, filter, page| {
        assert!(filter.any_persona);
        match filter.persona {
            None => assert_eq!(page, Page { limit: 1000, offset: 0 }),
            Some(persona) => assert_eq!((persona, page), (PersonaId(1), Page { limit: 5, offset: 1 })),
        }
        Ok(vec![held()])
    });
    let app = start(setup).await;
    for query in ["", "?persona_id=1&limit=5&offset=1"] {
        assert_eq!(app.call(get(&format!("/chat/conversations{query}"))).await.json()[0]["id"], 7);
    }
    for query in ["?persona_id=x", "?limit=0", "?limit=1001", "?offset=-1"] {
        assert_eq!(app.call(get(&format!("/chat/conversations{query}"))).await.status, 422, "{query}");
    }
}

#[actix_web::test]
async fn another_users_conversation_is_403() {
    let mut setup = setup();
    setup.conversations.expect_find().returning(|_, _| Ok(Access::Foreign));
    setup.turns.expect_begin().times(1).returning(|_| Err(ports::BeginError::Foreign));
    setup.personas.expect_has_persona().times(4).returning(|_| Ok(true));
    setup.personas.expect_has_persona().returning(|_| Ok(false));
    setup.messages.expect_delete().returning(|_, _, _| Ok(MessageDeletion::Foreign));
    let app = start(setup).await;
    let delete = |path: &str| by_alice(TestRequest::delete().uri(path));
    let put = by_alice(TestRequest::put().uri("/chat/conversations/7")).set_json(json!({"title": "mine"}));
    for request in [
        get("/chat/conversations/7"),
        put,
        delete("/chat/conversations/7"),
        get("/chat/conversations/7/messages"),
        post("/chat/conversations/7/send", json!({"content": "Hi"})),
    ] {
        let answer = app.call(request).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "conversation_forbidden"));
    }
    let answer = app.call(delete("/chat/messages/1")).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "message_forbidden"));
    // A conversation without a persona does not exist here, for its owner and for others.
    let answer = app.call(get("/chat/conversations/7")).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "conversation_not_found"));
}

#[actix_web::test]
async fn a_send_returns_both_messages() {
    let app =
        start(with_exchanges(vec![Step::Say("Hey "), Step::Say("there!"), Step::Usage, Step::Finish])).await;
    let answer = app.call(post("/chat/conversations/7/send", json!({"content": "Hi Alex!"}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["conversation"]["id"], &body["conversation"]["persona_id"]), (&json!(7), &json!(1)));
    assert_eq!(
        body["user_message"],
        json!({"id": 1, "conversation_id": 7, "role": "user", "content": "Hi Alex!",
            "created_at": "2023-11-14T22:13:20.000000Z"})
    );
    let reply = &body["assistant_message"];
    assert!(reply["response_time_ms"].is_u64());
    let mut reply = reply.clone();
    reply["response_time_ms"] = json!(0);
    assert_eq!(
        reply,
        json!({"id": 2, "conversation_id": 7, "role": "assistant", "content": "Hey there!", "tokens_used": 25,
            "model_used": "test-model", "response_time_ms": 0, "created_at": "2023-11-14T22:13:20.000000Z"})
    );
    assert_eq!((answer.header("x-turn-id").len(), answer.header("ratelimit-limit")), (36, "60"));
    for body in [json!({}), json!({"content": " "}), json!({"content": "x".repeat(10_001)})] {
        assert_eq!(app.call(post("/chat/conversations/7/send", body)).await.status, 422);
    }
}

#[actix_web::test]
async fn a_send_makes_two_store_calls() {
    let mut setup = setup();
    setup.steps = vec![Step::Say("Hey"), Step::Usage, Step::Finish];
    // Any other call would panic and change the status.
    setup.turns.expect_begin().times(1).returning(|begin| {
        Ok(ports::Begun {
            conversation: held(),
            persona: None,
            question: domain::Seq(1),
            appended: appended(&begin.messages),
            model: begin.default_model,
            window: ports::Window::default(),
            has_files: false,
        })
    });
    setup.turns.expect_finish().times(1).returning(|finish| Ok(kept(finish)));
    let app = start(setup).await;
    let answer = app.call(post("/chat/conversations/7/send", json!({"content": "Hi"}))).await;
    assert_eq!((answer.status, &answer.json()["user_message"]["id"]), (200, &json!(1)));
}

#[actix_web::test]
async fn a_send_that_the_store_refuses_has_its_error() {
    type Refuse = fn() -> ports::BeginError;
    let refusals: [(Refuse, u16, &str); 3] = [
        (|| ports::BeginError::Foreign, 403, "conversation_forbidden"),
        (|| ports::BeginError::NotFound, 404, "conversation_not_found"),
        (|| ports::BeginError::Busy { retry_after: Duration::from_secs(1) }, 409, "conversation_busy"),
    ];
    for (refuse, status, code) in refusals {
        let mut setup = setup();
        setup.turns.expect_begin().times(1).returning(move |_| Err(refuse()));
        let app = start(setup).await;
        let answer = app.call(post("/chat/conversations/7/send", json!({"content": "Hi"}))).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
    }
}

#[actix_web::test]
async fn a_reply_without_text_has_no_message() {
    // As if the turn were stopped before its first text.
    let mut setup = with_questions(vec![Step::Say("Hi"), Step::Usage, Step::Finish]);
    setup.turns.expect_finish().returning(|finish| {
        let ending = Ending { state: EndState::Stopped, reply: None, ..finish.ending };
        Ok(Finished::Done { ending, change: Some(Box::new(unchanged(held()))) })
    });
    let app = start(setup).await;
    let answer = app.call(post("/chat/conversations/7/send", json!({"content": "Hi"}))).await;
    assert_eq!((answer.status, &answer.json()["assistant_message"]), (200, &json!(null)));
    assert_eq!(answer.json()["user_message"]["id"], 1);
}

#[actix_web::test]
async fn a_failing_provider_is_500_here() {
    let app = start(with_exchanges(vec![Step::Fail(|| ModelError::TimedOut)])).await;
    let answer = app.call(post("/chat/conversations/7/send", json!({"content": "Hi"}))).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "upstream_timeout"));
    assert_eq!((answer.header("x-turn-id").len(), answer.header("ratelimit-remaining")), (36, "59"));
}

#[actix_web::test]
async fn the_newest_messages_are_listed_oldest_first() {
    let mut setup = with_conversation();
    let last = MessagePage { after: Some(Seq(3)), before: Some(Seq(6)), ..MessagePage::default() };
    setup.conversations.expect_last_page().returning(move |_, key, page, skip| {
        assert_eq!(page, MessagePage { limit: Some(2), ..MessagePage::default() });
        assert!(skip < 2);
        Ok(granted(&key, LastPage { page: last, has_more: true }))
    });
    setup.conversations.expect_messages().returning(move |_, key, page| {
        assert!([last, MessagePage::default()].contains(&page));
        let mut reply = message(2, Role::Assistant, "Hel");
        reply.state = MessageState::Stopped;
        let usage = Usage { input: 10, output: 15, ..Usage::default() };
        let model = domain::ModelName::parse("gpt-3.5-turbo").unwrap();
        reply.reply = Some(ReplyFacts { model, usage, response_time_ms: 1200 });
        Ok(granted(&key, batch(vec![message(1, Role::User, "Hi"), reply])))
    });
    let app = start(setup).await;
    for query in ["", "?limit=2", "?limit=2&offset=1"] {
        let listed = app.call(get(&format!("/chat/conversations/7/messages{query}"))).await;
        let has_more = if query.is_empty() { "false" } else { "true" };
        assert_eq!(listed.header("x-has-more"), has_more);
        assert_eq!(
            listed.json(),
            json!([
                {"id": 1, "conversation_id": 7, "role": "user", "content": "Hi",
                    "created_at": "2023-11-14T22:13:20.000000Z"},
                {"id": 2, "conversation_id": 7, "role": "assistant", "content": "Hel", "tokens_used": 25,
                    "model_used": "gpt-3.5-turbo", "response_time_ms": 1200,
                    "created_at": "2023-11-14T22:13:20.000000Z", "state": "stopped"},
            ])
        );
    }
    for query in ["limit=0", "offset=1&before=1", "offset=0&after=1", "before=x", "after="] {
        let refused = app.call(get(&format!("/chat/conversations/7/messages?{query}"))).await;
        let param = query.split_once('=').unwrap().0;
        assert_eq!((refused.status, &refused.json()["error"]["param"]), (422, &json!(param)), "{query}");
    }
}

#[actix_web::test]
async fn pages_beside_a_message_are_oldest_first() {
    let mut setup = with_conversation();
    setup.conversations.expect_position().returning(|_, key, _| Ok(granted(&key, Some(Seq(4)))));
    setup.conversations.expect_last_page().times(1).returning(move |_, key, page, _| {
        assert_eq!(page, MessagePage { limit: Some(2), before: Some(Seq(4)), ..MessagePage::default() });
        Ok(granted(&key, LastPage { page: MessagePage { limit: None, ..page }, has_more: true }))
    });
    setup.conversations.expect_messages().returning(move |_, key, page| {
        assert_eq!(page.order, domain::SortOrder::Ascending);
        assert!(page.before.is_some() || page.limit == Some(2) && page.after == Some(Seq(4)));
        Ok(granted(&key, batch(vec![message(3, Role::User, "Hi")])))
    });
    let app = start(setup).await;
    for (query, has_more) in
        [("before=4&limit=2", "true"), ("after=4&limit=2", "false"), ("before=4", "false")]
    {
        let listed = app.call(get(&format!("/chat/conversations/7/messages?{query}"))).await;
        assert_eq!((listed.json()[0]["id"].as_i64(), listed.header("x-has-more")), (Some(3), has_more));
    }
}

#[actix_web::test]
async fn single_messages_can_be_deleted() {
    let mut setup = setup();
    setup.messages.expect_delete().returning(|_, number, _| {
        Ok(match number {
            MessageNumber(2) => MessageDeletion::Deleted,
            MessageNumber(3) => MessageDeletion::Running,
            _ => MessageDeletion::Absent,
        })
    });
    let app = start(setup).await;
    let delete = |id: &str| app.call(by_alice(TestRequest::delete().uri(&format!("/chat/messages/{id}"))));
    assert_eq!(delete("2").await.json(), json!({"message": "Message 2 deleted successfully"}));
    let running = delete("3").await;
    assert_eq!((running.status, running.header("retry-after")), (409, "1"));
    let absent = delete("4").await;
    assert_eq!((absent.status, absent.code().as_str()), (404, "message_not_found"));
    assert_eq!(delete("one").await.status, 422);
}

#[actix_web::test]
async fn statistics_have_the_documented_estimate() {
    let mut setup = setup();
    let totals = PersonaChatTotals { conversations: 5, messages: 50, tokens: 5_000 };
    setup.personas.expect_totals().returning(move |_| Ok(totals));
    let app = start(setup).await;
    assert_eq!(
        app.call(get("/chat/stats")).await.json(),
        json!({"total_conversations": 5, "total_messages": 50, "total_tokens": 5000, "estimated_cost_usd": 0.01})
    );
}

#[actix_web::test]
async fn the_health_of_the_provider_is_public() {
    let app = start(setup()).await;
    let answer = app.call(TestRequest::get().uri("/chat/health")).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"status": "healthy", "openai_api": "connected"}))
    );
}
