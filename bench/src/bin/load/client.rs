//! A light HTTP client: one kept-alive connection, and requests that are prepared beforehand.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use memchr::memmem;
use omnichat_bench::framing::Incoming;
use omnichat_bench::models::TOKEN;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time limit of a call; every call of the benchmark is much faster.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    incoming: Incoming,
    body: Vec<u8>,
}

/// The times of a successful call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// From the request to the first bytes of the body.
    pub(crate) first: Duration,
    /// From the request to the end of the body.
    pub(crate) whole: Duration,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.context("connecting")?;
        Ok(Self { incoming: Incoming::new(stream)?, body: Vec::new() })
    }

    /// Makes a call. A response other than a 200 with exactly this number of tokens is an error.
    pub(crate) async fn call(&mut self, request: &[u8], tokens: usize) -> anyhow::Result<Answer> {
        let answer = self.fetch(request).await?;
        let counted = memmem::find_iter(&self.body, TOKEN).count();
        ensure!(counted == tokens, "{counted} tokens instead of {tokens}: {}", self.shown());
        Ok(answer)
    }

    /// Makes a call whatever is in the answer. A response other than a 200 is an error.
    pub(crate) async fn fetch(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        timeout(PATIENCE, self.exchange(request)).await.context("no answer")?
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.body.clear();
        let started = Instant::now();
        self.incoming.stream.write_all(request).await?;
        let head = self.incoming.response().await?;
        let mut first = None;
        loop {
            let more = self.incoming.piece(&head, &mut self.body).await?;
            first.get_or_insert_with(|| started.elapsed());
            if !more {
                break;
            }
        }
        let whole = started.elapsed();
        ensure!(head.status == 200, "status {}: {}", head.status, self.shown());
        Ok(Answer { first: first.unwrap_or(whole), whole })
    }

    fn shown(&self) -> String {
        self.body.escape_ascii().to_string().chars().take(300).collect()
    }
}

/// The bytes of a GET request.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// The bytes of a POST request.
pub(crate) fn post(path: &str, token: Option<&str>, body: Option<&serde_json::Value>) -> Vec<u8> {
    let body = body.map(ToString::to_string).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: bench\r\n{bearer}{kind}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
