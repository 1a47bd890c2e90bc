//! A user of the application, and the responses that users get.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::wait_until;

/// A signed-in user.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) token: String,
    pub(crate) id: i64,
    pub(super) url: String,
    pub(super) http: reqwest::Client,
}

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn read(answer: reqwest::Response) -> Self {
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body. The status must be 200.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    /// Checks status, code and the body that all errors have in every contract (C-4).
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        let message = body["detail"].as_str().expect("detail is text");
        assert_eq!(body["error"]["message"], message);
        assert_eq!(body["error"]["code"], code, "{body}");
        let kind = body["error"]["type"].as_str().unwrap();
        let expected = match status {
            _ if code.starts_with("upstream_") => "upstream_error",
            400 | 405 | 413 | 422 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            429 => "rate_limit_error",
            _ => "server_error",
        };
        assert_eq!(kind, expected, "{body}");
    }
}

impl User {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::read(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub(crate) async fn post_nothing(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::POST, path).send().await.unwrap()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        Answer::read(self.request(Method::PATCH, path).json(&body).send().await.unwrap()).await
    }

    /// The same user with an empty token.
    pub(crate) fn signed_out(&self) -> Self {
        Self { token: String::new(), ..self.clone() }
    }

    /// A new conversation of contract S2; its id.
    pub(crate) async fn conversation(&self) -> String {
        let body = self.post_nothing("/conversations?project_id=p1").await.ok();
        body["id"].as_str().unwrap().to_owned()
    }

    /// Sends a message by contract S2.
    pub(crate) async fn say(&self, conversation: &str, text: &str) -> Answer {
        self.post(&format!("/conversations/{conversation}/messages"), json!({"content": text})).await
    }

    /// The messages of a conversation as `role: content`, followed by the state if it is not completed.
    pub(crate) async fn history(&self, conversation: &str) -> Vec<String> {
        let body = self.get(&format!("/conversations/{conversation}/messages")).await.ok();
        let line = |message: &Value| {
            let state = message["state"].as_str().map(|state| format!(" ({state})")).unwrap_or_default();
            format!("{}: {}{state}", message["role"].as_str().unwrap(), message["content"].as_str().unwrap())
        };
        body.as_array().unwrap().iter().map(line).collect()
    }

    /// Waits until the history has this many messages.
    pub(crate) async fn wait_for_history(&self, conversation: &str, length: usize) -> Vec<String> {
        let mut history = Vec::new();
        wait_until(&format!("the history has {length} messages"), async || {
            history = self.history(conversation).await;
            history.len() >= length
        })
        .await;
        history
    }
}
