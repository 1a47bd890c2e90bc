//! `GET /v1/chat/history`: pages of all conversations of the caller, with their messages.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::persona_chat::{conversation, persona};
use crate::support::{App, JWT_SECRET, Store, User, on_both_stores};

on_both_stores!(
    sessions_come_in_pages_the_last_updated_first,
    sessions_have_the_documented_bodies,
    conversations_of_every_contract_are_sessions,
    sessions_are_found_by_the_model_that_they_show,
    sessions_are_found_by_the_time_of_their_creation,
    bad_queries_are_refused,
);

async fn history(user: &User, query: &str) -> Value {
    user.get(&format!("/v1/chat/history{query}")).await.ok()
}

/// The numbers of the sessions on a page.
fn numbers(page: &Value) -> Vec<i64> {
    page["sessions"].as_array().unwrap().iter().map(|session| session["id"].as_i64().unwrap()).collect()
}

async fn session(user: &User, model: &str) -> Value {
    user.post("/v1/chat/sessions", json!({"model": model})).await.ok()
}

/// S1-25, S1-26, S1-30, S1-33
async fn sessions_come_in_pages_the_last_updated_first(store: Store) {
    let app = App::start(store).await;
    let (ann, bob) = (app.user("ann").await, app.user("bob").await);
    for _ in 1..=11 {
        session(&ann, "gpt-4").await;
    }
    let newest_first: Vec<i64> = (1..=11).rev().collect();
    let first = history(&ann, "").await;
    assert_eq!((&first["total"], &first["page"], &first["page_size"]), (&json!(11), &json!(1), &json!(10)));
    assert_eq!(numbers(&first), newest_first[..10]);
    assert_eq!(numbers(&history(&ann, "?page=2").await), [1]);
    assert_eq!(numbers(&history(&ann, "?page=3&page_size=4").await), newest_first[8..]);
    assert_eq!(numbers(&history(&ann, "?page_size=100").await), newest_first);
    for (query, page) in [("?page=3", 3), ("?page=4294967295&page_size=100", u32::MAX)] {
        let beyond = history(&ann, query).await;
        assert_eq!((&beyond["total"], &beyond["sessions"]), (&json!(11), &json!([])), "{query}");
        assert_eq!(beyond["page"], page);
    }
    ann.say("1", "hi").await.ok();
    assert_eq!(numbers(&history(&ann, "?page_size=3").await), [1, 11, 10]);
    ann.delete("/v1/chat/sessions/1").await.ok();
    ann.delete("/conversations/11").await.ok();
    let left = history(&ann, "?page_size=2").await;
    assert_eq!((&left["total"], numbers(&left)), (&json!(9), vec![10, 9]));
    let none = json!({"total": 0, "page": 1, "page_size": 10, "sessions": []});
    assert_eq!(history(&bob, "").await, none);
    ann.signed_out().get("/v1/chat/history").await.is_error(401, "invalid_token");
}

/// S1-29, S1-31, S1-32, S1-55, C-35
async fn sessions_have_the_documented_bodies(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let tell = async |text: &str, session: Value| {
        let messages = json!([{"role": "user", "content": text}]);
        let body = json!({"model": "gpt-4", "messages": messages, "session_id": session, "stream": false});
        ann.post("/v1/chat/stream", body).await.ok()
    };
    let first = tell("Tell me a story", Value::Null).await;
    tell("Another one", first["session_id"].clone()).await;
    session(&ann, "gpt-4o").await;
    let page = history(&ann, "").await;
    let [empty, told] = &page["sessions"].as_array().unwrap()[..] else { panic!("{page}") };
    let messages = json!([
        {"role": "user", "content": "Tell me a story"},
        {"role": "assistant", "content": "You said: Tell me a story"},
        {"role": "user", "content": "Another one"},
        {"role": "assistant", "content": "You said: Another one"},
    ]);
    for (session, id, model, title, messages) in
        [(told, 1, "gpt-4", "Tell me a story", messages), (empty, 2, "gpt-4o", "New conversation", json!([]))]
    {
        let mut session = session.as_object().unwrap().clone();
        for time in ["created_at", "updated_at"] {
            let time = session.remove(time).unwrap();
            let time = time.as_str().unwrap();
            assert!(time.ends_with('Z') && time.len() == "2024-12-11T01:19:23.000000Z".len(), "{time}");
        }
        let body = json!({"id": id, "user_id": ann.id, "application_id": null, "model": model, "title": title,
            "messages": messages});
        assert_eq!(Value::Object(session), body);
    }

    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 600;
    let claims = json!({"sub": "outside", "exp": expires, "application_id": 42});
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap();
    let mut outside = ann.clone();
    outside.token = token;
    session(&outside, "gpt-4").await;
    assert_eq!(history(&outside, "").await["sessions"][0]["application_id"], 42);
}

/// S1-28, S1-31, S1-32, C-34
async fn conversations_of_every_contract_are_sessions(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    ann.post("/chat", json!({"input": "by S0"})).await.ok();
    session(&ann, "gpt-4").await;
    let service = ann.conversation().await;
    ann.say(&service, "by S2").await.ok();
    ann.post_nothing("/conversation").await.ok();
    let alex = persona(&ann, "Alex", "friend").await;
    conversation(&ann, alex, "Chess").await;
    let page = history(&ann, "").await;
    let shown: Vec<(i64, &str, usize)> = page["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|session| {
            let messages = session["messages"].as_array().unwrap().len();
            (session["id"].as_i64().unwrap(), session["model"].as_str().unwrap(), messages)
        })
        .collect();
    let expected = [
        (5, "gpt-3.5-turbo", 0),
        (4, "openai/gpt-3.5-turbo", 0),
        (3, "openai/gpt-3.5-turbo", 2),
        (2, "gpt-4", 0),
        (1, "gpt-4o", 2),
    ];
    assert_eq!(shown, expected);
    assert!(page["sessions"].as_array().unwrap().iter().all(|session| session["title"].is_string()));
}

/// S1-21, S1-28
async fn sessions_are_found_by_the_model_that_they_show(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    session(&ann, "gpt-4").await;
    // A conversation shows the model of its contract until a reply, or a model of its own, shows another one.
    ann.post("/conversations", json!({})).await.ok();
    ann.conversation().await;
    ann.post_nothing("/conversation").await.ok();
    let alex = persona(&ann, "Alex", "friend").await;
    conversation(&ann, alex, "Chess").await;
    let found = async |model: &str| {
        let page = history(&ann, &format!("?model={model}")).await;
        assert_eq!(page["total"], numbers(&page).len());
        assert!(page["sessions"].as_array().unwrap().iter().all(|session| session["model"] == model));
        numbers(&page)
    };
    assert_eq!(found("gpt-4").await, [1]);
    assert_eq!(found("gpt-4o").await, [2]);
    assert_eq!(found("openai/gpt-3.5-turbo").await, [4, 3]);
    assert_eq!(found("gpt-3.5-turbo").await, [5]);
    assert!(found("gpt-4.1").await.is_empty());

    ann.post("/chat", json!({"input": "hi", "conversation_id": 2, "model": "gpt-4.1"})).await.ok();
    ann.post("/chat", json!({"input": "hi", "conversation_id": 1, "model": "gpt-4.1"})).await.ok();
    assert_eq!(found("gpt-4.1").await, [2], "a model of its own comes before that of the last reply");
    assert!(found("gpt-4o").await.is_empty());
    ann.post("/v1/chat/switch-model", json!({"session_id": 4, "model": "gpt-4"})).await.ok();
    assert_eq!(found("gpt-4").await, [4, 1]);
    assert_eq!(found("openai/gpt-3.5-turbo").await, [3]);
    assert_eq!(history(&ann, "?model=").await["total"], 5);
}

/// S1-27
async fn sessions_are_found_by_the_time_of_their_creation(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    let mut created = Vec::new();
    for _ in 1..=3 {
        created.push(session(&ann, "gpt-4").await["created_at"].as_str().unwrap().to_owned());
    }
    let found = async |query: &str| numbers(&history(&ann, query).await);
    let none: [i64; 0] = [];
    let second = created[1].trim_end_matches('Z');
    // UTC, the same with an offset whose plus sign is escaped or not, and without an offset.
    for form in ["Z", "%2B00:00", "+00:00", ""] {
        assert_eq!(found(&format!("?start_date={second}{form}")).await, [3, 2], "{form}");
        assert_eq!(found(&format!("?end_date={second}{form}")).await, [1], "{form}");
    }
    assert_eq!(found(&format!("?start_date={second}&end_date={}", created[2])).await, [2]);
    assert_eq!(found(&format!("?start_date={second}&end_date={second}")).await, none);
    let day = &created[0][.."2024-01-01".len()];
    assert_eq!(found(&format!("?start_date={day}")).await, [3, 2, 1]);
    assert_eq!(found(&format!("?end_date={day}")).await, none);
    // A change does not make a session newer.
    ann.say("1", "hi").await.ok();
    assert_eq!(found(&format!("?start_date={second}&model=gpt-4")).await, [3, 2]);
    assert_eq!(found("?start_date=0000-01-01&end_date=9999-12-31T23:59:59.999999999Z").await, [1, 3, 2]);
    assert_eq!(found("?start_date=&end_date=&model=").await, [1, 3, 2]);
    let page = history(&ann, &format!("?start_date={second}&page_size=1&page=2")).await;
    assert_eq!((&page["total"], numbers(&page)), (&json!(2), vec![2]));
}

/// S1-26, S1-27, S1-28
async fn bad_queries_are_refused(store: Store) {
    let app = App::start(store).await;
    let ann = app.user("ann").await;
    for (query, param) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("start_date=yesterday", "start_date"),
        ("end_date=2024-02-30", "end_date"),
        ("end_date=2024-01-01T00:00:00%2B99:00", "end_date"),
        ("model=no%20such%20model!", "model"),
    ] {
        let answer = ann.get(&format!("/v1/chat/history?{query}")).await;
        answer.is_error(400, "validation_error");
        assert_eq!(answer.json()["error"]["param"], param, "{query}");
    }
}
