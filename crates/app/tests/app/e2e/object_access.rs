//! Access rights: every operation of the API's description, called by other users and without a token.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::described::{FORM, Operation, Scene, is_refused, operations};
use crate::support::persona_chat::{conversation, each, held, persona, put, send};
use crate::support::{Answer, App, JWT_SECRET, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    no_operation_reaches_the_data_of_another_user,
    ids_in_bodies_are_checked,
    softly_deleted_conversations_are_absent_everywhere,
    lists_and_sums_contain_only_the_callers_data,
);
on_sqlite_alone!(
    private_operations_need_a_token,
    fields_that_name_another_owner_are_ignored,
    a_label_does_not_use_the_quota_of_another_user,
);

const CANARY: &str = "canary-8c1d0b7f3a";

/// The operations that need no token (C-28). The description and its page are not part of the description.
const PUBLIC: [&str; 8] = [
    "GET /",
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "GET /config",
    "GET /chat/health",
    "POST /auth/register",
    "POST /auth/login",
];

async fn ask(app: &App, operation: &Operation, path: &str, authorization: Option<&str>) -> Answer {
    let mut request = app.http.request(operation.method.clone(), format!("{}{path}", app.url));
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    if let Some(body) = &operation.body {
        request = request.json(&body.example);
    }
    if operation.takes_file {
        request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x").body(FORM);
    }
    Answer::read(request.send().await.unwrap()).await
}

fn bearer(user: &User) -> String {
    format!("Bearer {}", user.token)
}

/// Everything that ann can read of her own data.
async fn state(ann: &User) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in [
        "/personas",
        "/chat/conversations",
        "/chat/conversations/1/messages",
        "/chat/stats",
        "/conversation",
        "/conversations/1",
        "/conversations/1/messages",
        "/v1/chat/history",
        "/api/chat/prompts",
        "/api/chat/prompts/1/versions",
        "/auth/me",
    ] {
        seen.push(ann.get(path).await.ok());
    }
    seen
}

/// Threat 1, Threat 2, Threat 71, S4-8, C-28
async fn private_operations_need_a_token(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    let (before, calls) = (state(&scene.ann).await, app.llm.call_count());
    let suspended = app.user("eve").await;
    let output = app.command().args(["user", "eve", "--active", "false"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let expired = {
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        let claims = json!({"sub": scene.ann.id.to_string(), "exp": 1, "iss": "omnichat"});
        format!("Bearer {}", jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap())
    };
    let forged = format!("{}x", bearer(&scene.ann));
    let (suspended, basic) = (bearer(&suspended), "Basic YW5uOnBhc3N3b3JkMTIz".to_owned());
    let mut public = Vec::new();
    for operation in operations(&app).await {
        let path = scene.path(&operation);
        if !operation.private {
            public.push(operation.name());
            continue;
        }
        let who =
            [None, Some("Bearer garbled"), Some(&forged), Some(&basic), Some(&expired), Some(&suspended)];
        for authorization in who {
            let answer = ask(&app, &operation, &path, authorization).await;
            let what = format!("{} as {authorization:?}", operation.name());
            assert_eq!(answer.status, 401, "{what}: {}", answer.text);
            is_refused(&answer, &what);
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
            assert!(!answer.text.contains(CANARY));
            has_safety_headers(&answer, &what);
        }
    }
    public.sort_unstable();
    let mut expected = PUBLIC.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(public, expected);
    assert_eq!(state(&scene.ann).await, before);
    assert_eq!(app.llm.call_count(), calls);
}

#[track_caller]
fn has_safety_headers(answer: &Answer, what: &str) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert!(answer.header("cache-control").starts_with("no-"), "{what}: {}", answer.header("cache-control"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(answer.header("server"), "", "{what}");
    assert_ne!(answer.header("x-request-id"), "", "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), "", "{what}");
}

/// Threat 1, Threat 2, Threat 4, Threat 71, C-7
async fn no_operation_reaches_the_data_of_another_user(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    let bob = app.user("bob").await;
    let (before, calls) = (state(&scene.ann).await, app.llm.call_count());
    let mut tried = 0;
    for operation in operations(&app).await.into_iter().filter(|operation| !operation.at.is_empty()) {
        let path = scene.path(&operation);
        let answer = ask(&app, &operation, &path, Some(&bearer(&bob))).await;
        let name = operation.name();
        has_safety_headers(&answer, &name);
        assert!(!answer.text.contains(CANARY), "{name}");
        if path == "/conversations/project/p1" {
            assert_eq!(answer.ok(), json!([]));
            continue;
        }
        // S4 alone tells foreign conversations and messages from missing ones (C-7).
        let forbidden = path.starts_with("/chat/");
        assert_eq!(answer.status, if forbidden { 403 } else { 404 }, "{name}: {}", answer.text);
        is_refused(&answer, &name);
        tried += 1;
    }
    assert!(tried >= 15, "{tried}");
    assert_eq!(state(&scene.ann).await, before);
    assert_eq!(app.llm.call_count(), calls);
}

/// Threat 3
async fn ids_in_bodies_are_checked(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    let bob = app.user("bob").await;
    let own = persona(&bob, "Bo", "child").await;
    let talk = conversation(&bob, own, "Bob's").await;
    let uuid = scene.ann.get("/conversation").await.ok()[0]["id"].as_str().unwrap().to_owned();
    let (before, calls) = (state(&scene.ann).await, app.llm.call_count());
    for id in ["1".to_owned(), format!("conv_{}", uuid.replace('-', "")), uuid] {
        for stream in [false, true] {
            let body = json!({"input": "hi", "conversation_id": id, "stream": stream});
            bob.post("/chat", body).await.is_error(404, "conversation_not_found");
        }
    }
    let body = json!({"session_id": 1, "model": "gpt-4"});
    bob.post("/v1/chat/switch-model", body).await.is_error(404, "conversation_not_found");
    let body = json!({"title": "T", "persona_id": 1});
    bob.post("/chat/conversations", body.clone()).await.is_error(404, "persona_not_found");
    put(&bob, &format!("/chat/conversations/{talk}"), body).await.is_error(404, "persona_not_found");
    for prompt in [json!({"prompt_id": 1}), json!({"prompt_id": 1, "version": 1, "content": "mine"})] {
        bob.post("/api/chat/prompts/preview", prompt).await.is_error(404, "prompt_not_found");
    }
    assert_eq!(bob.get("/chat/conversations?persona_id=1").await.ok(), json!([]));
    assert_eq!(state(&scene.ann).await, before);
    assert_eq!(app.llm.call_count(), calls);
}

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
    let mut body = with(json!({"title": "Bob's", "content": "c", "scenario": "s", "version": 9}));
    body["user_id"] = json!(ann.id);
    let made = bob.post("/api/chat/prompts", body.clone()).await.ok();
    let changed = put(&bob, &format!("/api/chat/prompts/{}", made["id"]), body).await.ok();
    for prompt in [&made, &changed] {
        assert_eq!((&prompt["id"], &prompt["usage_count"]), (&json!(2), &json!(0)));
        assert_eq!(prompt["is_template"], false);
        assert!(!prompt["created_at"].as_str().unwrap().starts_with("2000"));
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
    assert_eq!(state(ann).await, before);
}

/// Threat 13
async fn softly_deleted_conversations_are_absent_everywhere(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    scene.ann.delete("/conversations/1").await.ok();
    let calls = app.llm.call_count();
    for operation in operations(&app).await {
        let of_it = !operation.at.is_empty()
            && !operation.path.starts_with("/personas/")
            && !operation.path.starts_with("/api/chat/prompts/")
            && !operation.path.ends_with("/restore")
            && !operation.path.ends_with("{project_id}");
        // A softly deleted conversation can still be deleted permanently.
        let for_good = operation.path == "/conversations/{id}" && operation.method == Method::DELETE;
        if !of_it || for_good {
            continue;
        }
        let answer = ask(&app, &operation, &scene.path(&operation), Some(&bearer(&scene.ann))).await;
        assert_eq!(answer.status, 404, "{}: {}", operation.name(), answer.text);
        assert!(!answer.text.contains(CANARY));
    }
    let body = json!({"input": "hi", "conversation_id": "1"});
    scene.ann.post("/chat", body).await.is_error(404, "conversation_not_found");
    let body = json!({"session_id": 1, "model": "gpt-4"});
    scene.ann.post("/v1/chat/switch-model", body).await.is_error(404, "conversation_not_found");
    scene.ann.delete("/conversations/1").await.is_error(404, "conversation_not_found");
    for list in ["/chat/conversations", "/conversation", "/conversations?user_id=1"] {
        assert_eq!(scene.ann.get(list).await.ok(), json!([]), "{list}");
    }
    assert_eq!(scene.ann.get("/v1/chat/history").await.ok()["total"], 0);
    assert_eq!(scene.ann.get("/chat/stats").await.ok()["total_messages"], 0);
    assert_eq!(app.llm.call_count(), calls);
    scene.ann.delete("/conversations/1?soft=false").await.ok();
    scene.ann.post_nothing("/conversations/1/restore").await.is_error(404, "conversation_not_found");
}

/// Threat 10
async fn lists_and_sums_contain_only_the_callers_data(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    scene.ann.conversation().await;
    let bob = app.user("bob").await;
    let lists = [
        "/personas",
        "/chat/conversations",
        "/chat/conversations?persona_id=1",
        "/conversation",
        "/conversations/project/p1",
        &format!("/conversations?user_id={}", scene.ann.id),
        "/conversations?user_id=ann",
    ];
    for list in lists {
        assert_eq!(bob.get(list).await.ok(), json!([]), "{list}");
    }
    assert_eq!(bob.get("/v1/chat/history").await.ok()["total"], 0);
    assert_eq!(bob.get("/chat/stats").await.ok()["total_conversations"], 0);
    for query in ["", "?search=canary", "?scenario=summarization&user_id=1"] {
        assert_eq!(bob.get(&format!("/api/chat/prompts{query}")).await.ok()["total"], 0, "{query}");
    }
    let own = persona(&bob, "Bo", "child").await;
    let talk = conversation(&bob, own, "Bob's").await;
    send(&bob, talk, "hi").await.ok();
    assert_eq!(each(&bob.get("/chat/conversations").await.ok(), "title"), ["Bob's"]);
    assert_eq!(bob.get("/chat/stats").await.ok()["total_messages"], 2);
    assert_eq!(each(&bob.get("/conversation").await.ok(), "id").len(), 1);
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
