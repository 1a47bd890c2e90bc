//! Opens the configured store and hands it out as ports.

use std::sync::Arc;

use ports::{
    ConversationStore, FileStore, Ledger, MessageStore, PersonaStore, RunnerStore, StoreError, StoreHealth,
    TurnEvents, TurnStore, UserStore,
};
use postgres::{PostgresOptions, PostgresStore};
use secrecy::ExposeSecret;
use sqlite::SqliteStore;

use crate::config::{Database, DatabaseChoice};

/// The configured store, once for each of its ports.
#[derive(Clone)]
pub struct Stores {
    /// Conversations.
    pub conversations: Arc<dyn ConversationStore>,
    /// Turns.
    pub turns: Arc<dyn TurnStore>,
    /// What is new of turns that other processes run.
    pub events: Arc<dyn TurnEvents>,
    /// The leases of processes.
    pub runners: Arc<dyn RunnerStore>,
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Personas.
    pub personas: Arc<dyn PersonaStore>,
    /// Messages by their own id.
    pub messages: Arc<dyn MessageStore>,
    /// Rows of uploaded files.
    pub files: Arc<dyn FileStore>,
    /// The record of model calls and their cost.
    pub ledger: Arc<dyn Ledger>,
    /// Whether the store can be used.
    pub health: Arc<dyn StoreHealth>,
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Postgres(PostgresStore),
    Sqlite(SqliteStore),
}

impl Stores {
    /// Opens the configured store. A PostgreSQL server need not be reachable yet; an SQLite file must be usable.
    ///
    /// # Errors
    /// If the address is not valid, or the file cannot be used.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        match &database.choice {
            DatabaseChoice::Postgres { url } => {
                let options = PostgresOptions {
                    max_connections: database.max_connections,
                    acquire_timeout: database.acquire_timeout,
                    statement_timeout: database.statement_timeout,
                    ..PostgresOptions::default()
                };
                let store = PostgresStore::connect_lazy(url.expose_secret(), options)?;
                Ok(Self::of(store.clone(), Backend::Postgres(store)))
            }
            DatabaseChoice::SqliteFile { path } => {
                let store = SqliteStore::open(path).await?;
                Ok(Self::of(store.clone(), Backend::Sqlite(store)))
            }
            DatabaseChoice::SqliteMemory => {
                let store = SqliteStore::in_memory().await?;
                Ok(Self::of(store.clone(), Backend::Sqlite(store)))
            }
        }
    }

    fn of<S>(store: S, backend: Backend) -> Self
    where
        S: ConversationStore
            + TurnStore
            + TurnEvents
            + RunnerStore
            + UserStore
            + PersonaStore
            + MessageStore
            + FileStore
            + Ledger
            + StoreHealth
            + 'static,
    {
        let store = Arc::new(store);
        Self {
            conversations: store.clone(),
            turns: store.clone(),
            events: store.clone(),
            runners: store.clone(),
            users: store.clone(),
            personas: store.clone(),
            messages: store.clone(),
            files: store.clone(),
            ledger: store.clone(),
            health: store,
            backend,
        }
    }

    /// Brings the schema up to date, under a lock: several processes may do so at the same time.
    ///
    /// # Errors
    /// If the database cannot be reached, or a migration fails.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Postgres(store) => store.migrate().await,
            Backend::Sqlite(store) => store.migrate().await,
        }
    }

    /// Finishes the writes that are under way and closes all connections.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Postgres(store) => store.close().await,
            Backend::Sqlite(store) => store.close().await,
        }
    }
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
