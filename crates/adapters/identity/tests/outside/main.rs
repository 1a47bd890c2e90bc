//! Tokens of outside issuers: which of them pass, and what happens while their keys are away.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

mod fixed;
mod forged;
mod outage;
mod published;
mod rotation;
