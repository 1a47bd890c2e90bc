//! For tests only: servers that live as long as a test, and the contract suites of stores and file storages.
//!
//! Nothing here needs the internet or a key. If a needed program is missing, the test fails and says what to install;
//! no test is skipped.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test kit fails its test by a panic, and makes the ids that a test needs"
)]
#![expect(clippy::similar_names, reason = "`begin` and `begun` are the words of the port")]

pub mod blobs_contract;
pub mod contract;
pub mod fake_llm;
mod free_port;
pub mod network;
pub mod outside_issuer;
pub mod postgres;
pub mod s3_server;
mod suite;

pub use fake_llm::FakeLlm;
pub use free_port::free_port;
pub use network::Network;
pub use outside_issuer::KeyServer;
pub use postgres::{PgBouncer, PoolMode, PostgresServer};
pub use s3_server::S3Server;
