//! The whole application over both stores, met as its users meet it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may fail, and is no part of the application"
)]

mod support;

mod account_rows;
mod chat_ai;
mod chat_service;
mod cors;
mod crashing;
mod described;
mod docs_page;
mod examples;
mod fault_rows;
mod files;
mod hostile_input;
mod hostile_requests;
mod hostile_text;
mod isolation;
mod leaving;
mod ledger;
mod llm_chat;
mod llm_chat_faults;
mod llm_chat_input;
mod llm_chat_limits;
mod llm_chat_lists;
mod llm_chat_rows;
mod llm_chat_setup;
mod object_access;
mod outage;
mod outside_tokens;
mod persona_chat;
mod persona_chat_messages;
mod persona_chat_rows;
mod persona_chat_service;
mod provider_faults;
mod racing;
mod replicas;
mod responses_wire;
mod sign_in;
mod start;
mod stopping;
mod transcript;
mod views;
mod walk;
