//! Calls of contract S4.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, App, User};

/// A new persona that loves chess; its number.
pub(crate) async fn persona(user: &User, name: &str, relation: &str) -> i64 {
    let body = json!({"name": name, "description": "Loves chess.", "relation_type": relation});
    user.post("/personas/", body).await.ok()["id"].as_i64().unwrap()
}

/// A new conversation with this persona; its number.
pub(crate) async fn conversation(user: &User, persona: i64, title: &str) -> i64 {
    let body = json!({"title": title, "persona_id": persona});
    user.post("/chat/conversations", body).await.ok()["id"].as_i64().unwrap()
}

/// A user with persona 1 and conversation 1.
pub(crate) async fn held(app: &App) -> User {
    let user = app.user("ann").await;
    let alex = persona(&user, "Alex", "friend").await;
    assert_eq!((alex, conversation(&user, alex, "First Chat with Alex").await), (1, 1));
    user
}

pub(crate) async fn put(user: &User, path: &str, body: Value) -> Answer {
    Answer::read(user.request(Method::PUT, path).json(&body).send().await.unwrap()).await
}

/// Sends a message by contract S4.
pub(crate) async fn send(user: &User, conversation: i64, content: &str) -> Answer {
    user.post(&format!("/chat/conversations/{conversation}/send"), json!({"content": content})).await
}

/// The value of a key in each row of a list.
pub(crate) fn each(list: &Value, key: &str) -> Vec<Value> {
    list.as_array().unwrap().iter().map(|row| row[key].clone()).collect()
}
