//! Whole streams of both APIs.

mod chat;
mod chat_odd;
mod chat_tool_calls;
mod chat_usage;
mod responses;
mod responses_odd;
mod support;
