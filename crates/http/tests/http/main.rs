//! HTTP over mocked ports: in process, or over sockets where the bytes matter.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]
#![expect(unreachable_pub, reason = "what tests share")]

mod accounts;
mod chat_ai;
mod chat_api;
mod chat_stream;
mod conversations;
mod cors;
mod docs;
mod foundation;
mod limits;
mod llm_chat;
mod logs;
mod message_lists;
mod persona_chat;
mod personas;
mod prompts;
mod streams;
mod support;
mod uploads;
