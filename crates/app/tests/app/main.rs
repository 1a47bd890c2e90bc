//! Tests of the application: its settings, its layers, its documents, and end to end.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may fail, and is no part of the application"
)]

mod config;
mod docs;
mod e2e;
mod layers;
mod rows;
mod support;
mod transcripts;
