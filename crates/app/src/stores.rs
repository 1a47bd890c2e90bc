//! Opens the configured store.

use std::sync::Arc;

use async_trait::async_trait;
use ports::{
    ConversationStore, FileStore, Ledger, MessageStore, PersonaStore, PromptStore, RunnerStore, StoreError,
    StoreHealth, TurnEvents, TurnStore, UserStore,
};
use postgres::{PostgresOptions, PostgresStore};
use secrecy::ExposeSecret;
use sqlite::SqliteStore;

use crate::config::{Database, DatabaseChoice};

/// A store with all of its ports. An `Arc` of it can be used as an `Arc` of each of them.
#[async_trait]
pub trait Store:
    ConversationStore
    + TurnStore
    + TurnEvents
    + RunnerStore
    + UserStore
    + PersonaStore
    + PromptStore
    + MessageStore
    + FileStore
    + Ledger
    + StoreHealth
{
    /// Brings the schema up to date, under a lock: several processes may do so at the same time.
    ///
    /// # Errors
    /// If the database cannot be reached, or a migration fails.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// Finishes the writes that are under way and closes all connections.
    async fn close(&self);
}

#[async_trait]
impl Store for PostgresStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        Self::migrate(self).await
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        Self::migrate(self).await
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// Opens the configured store. A PostgreSQL server need not be reachable yet; an SQLite file must be usable.
///
/// # Errors
/// If the address is not valid, or the file cannot be used.
pub async fn open(database: &Database) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match &database.choice {
        DatabaseChoice::Postgres { url } => {
            let options = PostgresOptions {
                max_connections: database.max_connections,
                acquire_timeout: database.acquire_timeout,
                statement_timeout: database.statement_timeout,
                ..PostgresOptions::default()
            };
            Arc::new(PostgresStore::connect_lazy(url.expose_secret(), options)?)
        }
        DatabaseChoice::SqliteFile { path } => Arc::new(SqliteStore::open(path).await?),
        DatabaseChoice::SqliteMemory => Arc::new(SqliteStore::in_memory().await?),
    })
}

impl DatabaseChoice {
    /// The store in a few words, for the log; never the password.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Postgres { .. } => "PostgreSQL".to_owned(),
            Self::SqliteFile { path } => format!("SQLite in {}", path.display()),
            Self::SqliteMemory => "SQLite in memory".to_owned(),
        }
    }
}
