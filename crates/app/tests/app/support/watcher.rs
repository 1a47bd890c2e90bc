//! Watching a turn: its events one by one, as they arrive.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::User;

/// How long an event may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open stream of a turn's events.
pub(crate) struct Watcher {
    answer: reqwest::Response,
    received: Vec<u8>,
    /// Whether the body broke off, instead of coming to its end.
    pub(crate) was_cut: bool,
}

impl Watcher {
    /// Watches a turn, with a query such as `?after=2`.
    pub(crate) async fn of(user: &User, turn: &str, query: &str) -> Self {
        let request = user.request(Method::GET, &format!("/turns/{turn}/events{query}"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        Self { answer, received: Vec::new(), was_cut: false }
    }

    /// Waits for the next event; `None` where there are no more. Comments are left out.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.received.windows(2).position(|two| two == b"\n\n") {
                let rest = self.received.split_off(end + 2);
                let block = String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap();
                match block.strip_prefix("data: ") {
                    Some(data) => return Some(serde_json::from_str(data).unwrap()),
                    None => continue,
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.answer.chunk()).await;
            match chunk.expect("an event, a heartbeat or the end within a minute") {
                Ok(Some(chunk)) => self.received.extend_from_slice(&chunk),
                Ok(None) => return None,
                Err(_) => {
                    self.was_cut = true;
                    return None;
                }
            }
        }
    }

    /// The next event, which must be a piece of text.
    pub(crate) async fn text(&mut self) -> String {
        let event = self.next().await.expect("an event");
        assert_eq!(event["type"], "delta", "{event}");
        event["delta"]["text"].as_str().unwrap().to_owned()
    }

    /// All events from here to the end.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}
