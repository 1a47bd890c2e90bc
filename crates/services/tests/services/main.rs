//! The services, on mocked ports.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod accounts;
mod files;
mod models;
mod support;
mod turns;
