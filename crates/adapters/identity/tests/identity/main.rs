//! Which tokens are accepted: those that the service issues itself, and those of outside issuers.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod outside;
mod tokens;
