//! Whole streams of both APIs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by a panic, and its number of cases is no setting of the service"
)]

mod chat;
mod chat_odd;
mod chat_tool_calls;
mod chat_usage;
mod mutations;
mod recorded;
mod responses;
mod responses_odd;
mod support;
