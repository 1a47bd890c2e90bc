//! The servers that are measured, and the requests for each.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use omnichat_bench::models::Model;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Connection, post};
use crate::processes::{self, Cpu};
use crate::shapes::Workload;

const QUESTION: &str = "What is the best way to keep a kettle clean?";
/// The length of a question in the long conversation, in bytes: 200 of them fill a window of 128,000 tokens.
const LONG_QUESTION_BYTES: usize = 3_000;
/// Conversations are created on this many connections.
const CREATORS: usize = 32;

/// A server that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The caller's token if the server is OmniChat.
    pub(crate) token: Option<String>,
    /// The processes whose CPU time counts: the server, and its database if that is another process.
    pub(crate) pids: Vec<u32>,
}

/// The kinds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// A whole answer.
    Turn,
    /// A streamed answer.
    Stream,
    /// A whole answer to a long question, in one conversation.
    LongTurn,
}

impl Target {
    /// The calls of this many connections. On OmniChat, this many conversations are created and divided among them.
    pub(crate) async fn workload(
        &self,
        kind: CallKind,
        model: &str,
        connections: usize,
        conversations: usize,
    ) -> anyhow::Result<Workload> {
        let requests = if let Some(token) = self.token.as_deref() {
            let ids = self.conversations(kind, token, conversations).await?;
            ids.iter().flat_map(|id| turns(kind, token, id)).collect()
        } else {
            let messages = json!([{"role": "user", "content": QUESTION}]);
            let body = json!({"model": model, "messages": messages, "stream": kind == CallKind::Stream});
            vec![post("/v1/chat/completions", None, Some(&body)); connections]
        };
        let share = requests.len().div_ceil(connections);
        Ok(Workload {
            address: self.address,
            tokens: Model::named(model).tokens,
            connections: requests.chunks(share).map(Arc::from).collect(),
        })
    }

    /// CPU time of the server and its database.
    pub(crate) fn cpu(&self) -> Cpu {
        self.pids.iter().map(|pid| processes::cpu(*pid)).fold(Cpu::default(), Cpu::plus)
    }

    /// Memory of the server alone, in KiB.
    pub(crate) fn memory(&self) -> Option<f64> {
        self.pids.first().map(|pid| processes::memory(*pid))
    }

    async fn conversations(&self, kind: CallKind, token: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let is_stream = kind == CallKind::Stream;
        let path = if is_stream { "/conversation" } else { "/conversations?project_id=bench" };
        let request = post(path, Some(token), None);
        let mut creators = JoinSet::new();
        for creator in 0..CREATORS.min(count) {
            let (request, address) = (request.clone(), self.address);
            creators.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut ids = Vec::new();
                for _ in (creator..count).step_by(CREATORS) {
                    connection.call(&request, 0).await?;
                    let created: Value = serde_json::from_slice(connection.body())?;
                    ids.push(created["id"].as_str().context("a conversation without id")?.to_owned());
                }
                anyhow::Ok(ids)
            });
        }
        let mut all = Vec::with_capacity(count);
        while let Some(ids) = creators.join_next().await {
            all.extend(ids?.with_context(|| format!("creating conversations on {}", self.name))?);
        }
        Ok(all)
    }
}

/// The requests for one conversation.
fn turns(kind: CallKind, token: &str, id: &str) -> Vec<Vec<u8>> {
    let whole = |question: &str| {
        post(&format!("/conversations/{id}/messages"), Some(token), Some(&json!({"content": question})))
    };
    match kind {
        CallKind::Turn => vec![whole(QUESTION)],
        CallKind::LongTurn => (0..64).map(|number| whole(&long_question(number))).collect(),
        CallKind::Stream => {
            let body = json!({"message": QUESTION, "stream": true});
            vec![post(&format!("/conversation/completion/{id}"), Some(token), Some(&body))]
        }
    }
}

/// A question of random letters, which a database cannot compress.
fn long_question(number: u64) -> String {
    let mut state = number + 1;
    let mut text = String::with_capacity(LONG_QUESTION_BYTES);
    while text.len() < LONG_QUESTION_BYTES {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let letters = state.to_be_bytes().into_iter().take(6).map(|byte| char::from(b'a' + byte % 26));
        text.extend(letters.chain([' ']));
    }
    text
}
