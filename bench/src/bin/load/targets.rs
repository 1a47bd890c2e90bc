//! The servers that are measured, and how each is asked for the same thing.

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
/// Bytes of a question in the long conversation: 200 of them fill a window of 128,000 tokens.
const LONG_QUESTION_BYTES: usize = 3_000;
/// Conversations are made by so many connections.
const MAKERS: usize = 32;

/// A server that is measured.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// The caller's token, where the server is OmniChat.
    pub(crate) token: Option<String>,
    /// Whose CPU time counts: the server's, and its database's.
    pub(crate) pids: Vec<u32>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A whole answer.
    Turn,
    /// A streamed answer.
    Stream,
    /// A whole answer to a long question, in one conversation.
    LongTurn,
}

impl Target {
    /// Calls for so many connections. At OmniChat so many conversations, made here, are shared out among them.
    pub(crate) async fn workload(
        &self,
        ask: Ask,
        model: &str,
        connections: usize,
        conversations: usize,
    ) -> anyhow::Result<Workload> {
        let requests = if let Some(token) = self.token.as_deref() {
            let ids = self.conversations(ask, token, conversations).await?;
            ids.iter().flat_map(|id| turns(ask, token, id)).collect()
        } else {
            let messages = json!([{"role": "user", "content": QUESTION}]);
            let body = json!({"model": model, "messages": messages, "stream": ask == Ask::Stream});
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

    async fn conversations(&self, ask: Ask, token: &str, count: usize) -> anyhow::Result<Vec<String>> {
        let path = if ask == Ask::Stream { "/conversation" } else { "/conversations?project_id=bench" };
        let request = post(path, Some(token), None);
        let mut makers = JoinSet::new();
        for maker in 0..MAKERS.min(count) {
            let (request, address) = (request.clone(), self.address);
            makers.spawn(async move {
                let mut connection = Connection::open(address).await?;
                let mut ids = Vec::new();
                for _ in (maker..count).step_by(MAKERS) {
                    connection.call(&request, 0).await?;
                    let made: Value = serde_json::from_slice(connection.body())?;
                    ids.push(made["id"].as_str().context("a conversation without id")?.to_owned());
                }
                anyhow::Ok(ids)
            });
        }
        let mut all = Vec::with_capacity(count);
        while let Some(ids) = makers.join_next().await {
            all.extend(ids?.with_context(|| format!("making conversations on {}", self.name))?);
        }
        Ok(all)
    }
}

/// The requests that go to a conversation in turn.
fn turns(ask: Ask, token: &str, id: &str) -> Vec<Vec<u8>> {
    let whole = |question: &str| {
        post(&format!("/conversations/{id}/messages"), Some(token), Some(&json!({"content": question})))
    };
    match ask {
        Ask::Turn => vec![whole(QUESTION)],
        Ask::LongTurn => (0..64).map(|number| whole(&long_question(number))).collect(),
        Ask::Stream => {
            let body = json!({"message": QUESTION, "stream": true});
            vec![post(&format!("/conversation/completion/{id}"), Some(token), Some(&body))]
        }
    }
}

/// Words that do not repeat, as a database would compress those that do.
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
