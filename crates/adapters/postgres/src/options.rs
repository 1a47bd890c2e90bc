//! How the store uses its database.

use std::time::Duration;

/// How the store uses its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresOptions {
    /// The most connections for reads and single writes. Six more have tasks of their own: two write turns, two repeat the
    /// regular statements, one checks the health, and one holds the lock of the process.
    pub max_connections: u32,
    /// How long a call waits for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may take in the database.
    pub statement_timeout: Duration,
    /// How long an unused connection is kept open.
    pub idle_timeout: Duration,
    /// The longest time that a connection is used.
    pub max_lifetime: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_mins(10),
            max_lifetime: Duration::from_mins(30),
        }
    }
}
