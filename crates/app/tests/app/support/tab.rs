//! A browser tab: a connection that can be closed in the middle of a response.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{App, User};

/// The longest wait for bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with one request.
pub(crate) struct Tab {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Tab {
    /// Sends a `POST` with JSON as this user.
    pub(crate) async fn post(app: &App, user: &User, path: &str, body: &Value) -> Self {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            user.token,
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", app.port)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, seen: Vec::new() }
    }

    /// Reads until the response contains this text.
    pub(crate) async fn read_until(&mut self, text: &str) {
        while !self.text().contains(text) {
            assert!(self.read().await, "the answer ended before {text:?}: {}", self.text());
        }
    }

    /// Closes the tab, and waits until the application has noticed it and closed its side, too.
    pub(crate) async fn close(mut self) {
        self.stream.shutdown().await.unwrap();
        while self.read().await {}
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Reads some bytes. Answers whether the connection is still open.
    async fn read(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.seen)).await;
        read.expect("bytes, or the end, in time").is_ok_and(|count| count > 0)
    }
}
