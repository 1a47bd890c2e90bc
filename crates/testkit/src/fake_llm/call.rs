//! The record of a call.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::reply::Figures;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// The whole response was sent.
    Served,
    /// The client closed the connection before that.
    ClosedByClient {
        /// The time since the request had arrived.
        after: Duration,
    },
    /// The script cut the connection.
    CutByScript,
}

/// A request, and how it ended.
#[derive(Debug, Clone)]
pub struct Call {
    /// The number of the request, from 1.
    pub number: usize,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, or `null` if it was no JSON.
    pub body: Value,
    /// When it had arrived.
    pub received: Instant,
    /// The usage that the server counts, also if the response leaves it out; `None` if the request was refused.
    pub figures: Option<Figures>,
    /// The number of events that were sent.
    pub events_sent: usize,
    /// How it ended; `None` while it is open.
    pub end: Option<CallEnd>,
}

impl Call {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_named = |(known, _): &&(String, String)| known.eq_ignore_ascii_case(name);
        self.headers.iter().find(is_named).map(|(_, value)| value.as_str())
    }

    /// The model that was asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        self.body.get("model").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether a stream was asked for.
    #[must_use]
    pub fn wants_stream(&self) -> bool {
        self.body.get("stream").and_then(Value::as_bool).unwrap_or_default()
    }

    /// The messages of the request, oldest first: role and text.
    #[must_use]
    pub fn messages(&self) -> Vec<(String, String)> {
        let items = match (self.body.get("messages"), self.body.get("input")) {
            (Some(Value::Array(items)), _) | (None, Some(Value::Array(items))) => items.as_slice(),
            (_, Some(Value::String(text))) => return vec![("user".to_owned(), text.clone())],
            _ => &[],
        };
        let message = |item: &Value| {
            let role = item.get("role")?.as_str()?.to_owned();
            Some((role, text_of(item.get("content")?)))
        };
        items.iter().filter_map(message).collect()
    }

    /// The text of the user's last message.
    #[must_use]
    pub fn question(&self) -> String {
        let messages = self.messages();
        messages.into_iter().rev().find(|(role, _)| role == "user").map(|(_, text)| text).unwrap_or_default()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
            texts.join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}
