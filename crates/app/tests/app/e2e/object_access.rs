//! Access rights: every operation of the API's description, called by other users and without a token.

use std::collections::BTreeSet;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::described::{FORM, Operation, Scene, is_refused, operations};
use crate::support::persona_chat::{conversation, each, persona, put, send};
use crate::support::{Answer, App, JWT_SECRET, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    no_operation_reaches_the_data_of_another_user,
    ids_in_bodies_are_checked,
    softly_deleted_conversations_are_absent_everywhere,
    lists_and_sums_contain_only_the_callers_data,
);
on_sqlite_alone!(private_operations_need_a_token);

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
pub(super) async fn state(ann: &User) -> Vec<Value> {
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

/// Threat 1, Threat 2, Threat 71, S1-2, S4-8, C-28
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

/// The fields and parameters, besides those of paths, that name objects. Each is tried below.
const NAMING_OBJECTS: [&str; 11] = [
    "GET /chat/conversations persona_id",
    "GET /chat/conversations/{id}/messages after",
    "GET /chat/conversations/{id}/messages before",
    "GET /conversations/{id}/messages after",
    "GET /conversations/{id}/messages before",
    "POST /api/chat/prompts/preview prompt_id",
    "POST /chat conversation_id",
    "POST /chat/conversations persona_id",
    "POST /v1/chat/stream session_id",
    "POST /v1/chat/switch-model session_id",
    "PUT /chat/conversations/{id} persona_id",
];

/// Threat 3
async fn ids_in_bodies_are_checked(store: Store) {
    let app = App::start(store).await;
    let scene = Scene::set(&app, CANARY).await;
    let naming: BTreeSet<String> = operations(&app).await.iter().flat_map(naming_objects).collect();
    assert_eq!(naming.iter().map(String::as_str).collect::<Vec<_>>(), NAMING_OBJECTS);
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
    let body = json!({"title": "T", "persona_id": 1});
    bob.post("/chat/conversations", body.clone()).await.is_error(404, "persona_not_found");
    put(&bob, &format!("/chat/conversations/{talk}"), body).await.is_error(404, "persona_not_found");
    assert_eq!(bob.get("/chat/conversations?persona_id=1").await.ok(), json!([]));

    for stream in [false, true] {
        let message = json!({"role": "user", "content": "hi"});
        let body = json!({"model": "gpt-4", "messages": [message], "session_id": 1, "stream": stream});
        bob.post("/v1/chat/stream", body).await.is_error(404, "conversation_not_found");
    }
    let body = json!({"session_id": 1, "model": "gpt-4"});
    bob.post("/v1/chat/switch-model", body).await.is_error(404, "conversation_not_found");
    for version in [json!(null), json!(1)] {
        let body = json!({"prompt_id": 1, "version": version, "content": "mine"});
        bob.post("/api/chat/prompts/preview", body).await.is_error(404, "prompt_not_found");
    }
    let message = scene.ann.get("/conversations/1/messages").await.ok()[0]["id"].take();
    for cursor in ["1", message.as_str().unwrap()] {
        for list in
            [format!("/chat/conversations/{talk}/messages"), format!("/conversations/{talk}/messages")]
        {
            for name in ["after", "before"] {
                bob.get(&format!("{list}?{name}={cursor}")).await.is_error(422, "validation_error");
            }
        }
    }
    assert_eq!(state(&scene.ann).await, before);
    assert_eq!(app.llm.call_count(), calls);
}

/// The fields and parameters of an operation that name objects, as in [`NAMING_OBJECTS`]. A `user_id` is a label, and a
/// `project_id` a name of the caller's own.
fn naming_objects(operation: &Operation) -> Vec<String> {
    let fields = operation.body.iter().flat_map(|body| body.fields.keys());
    let names = operation.query.iter().map(|(name, _)| name).chain(fields);
    let names_objects = |name: &&String| match name.as_str() {
        "user_id" | "project_id" | "application_id" => false,
        "after" | "before" => !operation.path.starts_with("/turns/"),
        name => name.ends_with("_id"),
    };
    names.filter(names_objects).map(|name| format!("{} {name}", operation.name())).collect()
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
    let body = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "hi"}], "session_id": 1});
    for path in ["/v1/chat/stream", "/v1/chat/switch-model"] {
        scene.ann.post(path, body.clone()).await.is_error(404, "conversation_not_found");
    }
    assert_eq!(scene.ann.get("/v1/chat/history").await.ok()["total"], 0);
    scene.ann.delete("/conversations/1").await.is_error(404, "conversation_not_found");
    for list in ["/chat/conversations", "/conversation", "/conversations?user_id=1"] {
        assert_eq!(scene.ann.get(list).await.ok(), json!([]), "{list}");
    }
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
    assert_eq!(bob.get("/chat/stats").await.ok()["total_conversations"], 0);
    for list in [
        "/v1/chat/history",
        "/v1/chat/history?model=gpt-3.5-turbo",
        "/api/chat/prompts",
        "/api/chat/prompts?search=canary",
        "/api/chat/prompts?scenario=summarization&user_id=1",
    ] {
        assert_eq!(bob.get(list).await.ok()["total"], 0, "{list}");
    }
    let own = persona(&bob, "Bo", "child").await;
    let talk = conversation(&bob, own, "Bob's").await;
    send(&bob, talk, "hi").await.ok();
    assert_eq!(each(&bob.get("/chat/conversations").await.ok(), "title"), ["Bob's"]);
    assert_eq!(bob.get("/chat/stats").await.ok()["total_messages"], 2);
    assert_eq!(each(&bob.get("/conversation").await.ok(), "id").len(), 1);
    assert_eq!(each(&bob.get("/v1/chat/history").await.ok()["sessions"], "title"), ["Bob's"]);
}
