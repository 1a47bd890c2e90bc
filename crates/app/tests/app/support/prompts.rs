//! Calls for prompts of contract S1.

use serde_json::{Value, json};

use super::{Answer, User};

/// A new prompt; its id.
pub(crate) async fn prompt(user: &User, title: &str, content: &str) -> i64 {
    let body = json!({"title": title, "content": content, "scenario": "summarization"});
    user.post("/api/chat/prompts", body).await.ok()["id"].as_i64().unwrap()
}

/// A prompt as it is now.
pub(crate) async fn shown(user: &User, id: i64) -> Value {
    user.get(&format!("/api/chat/prompts/{id}")).await.ok()
}

pub(crate) async fn preview(user: &User, body: Value) -> Answer {
    user.post("/api/chat/prompts/preview", body).await
}

/// The titles on the first page of a list, which must have as many as it counts.
pub(crate) async fn titles(user: &User, query: &[(&str, &str)]) -> Vec<String> {
    let request = user.request(reqwest::Method::GET, "/api/chat/prompts").query(query);
    let list = Answer::read(request.send().await.unwrap()).await.ok();
    let titles: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(list["total"], titles.len(), "{list}");
    titles
}
