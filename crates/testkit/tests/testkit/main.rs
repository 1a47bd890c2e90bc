//! The servers of the tests: the fake provider, and PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its tasks end with it"
)]

mod fake_llm;
mod postgres;
