//! The services, on mocked ports.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod accounts;
mod conversations;
mod counting;
mod empty_replies;
mod files;
mod following;
mod models;
mod prompts;
mod reading;
mod sign_in;
mod support;
mod turns;
mod upkeep;
