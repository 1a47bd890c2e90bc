//! The store on SQLite: one process, one file, one writer.
//!
//! Reads use a few connections of their own; a write-ahead log lets them go on while the writer writes. All writes go
//! through the [`writer`], which commits those that wait together.

mod conversations;
mod error;
mod files;
mod ledger;
mod messages;
mod personas;
mod prompts;
mod rows;
mod runners;
#[cfg(test)]
mod tests;
mod turns;
mod users;
mod values;
mod writer;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use ports::{StoreError, StoreHealth};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection, SqlitePool};

use crate::error::DbError;
use crate::writer::{Source, Writer};

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

/// Connections that read.
const READERS: u32 = 4;
/// How long to wait for a lock of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a read waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the check of the store's health may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The store: every store port on one SQLite database. Clones share it.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    reads: SqlitePool,
    writer: Writer,
    /// How to connect for migrations; `None` for a database in memory, whose only connection is in `reads`.
    file: Option<SqliteConnectOptions>,
}

impl SqliteStore {
    /// Opens a database file. The file and its directory are created where they are missing, readable by their owner
    /// only.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be created, opened or read.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        make_file(path).await.map_err(DbError::unavailable)?;
        let options = options()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk before it is acknowledged.
            .synchronous(SqliteSynchronous::Full)
            // A write-ahead log that grew under load is truncated again.
            .pragma("journal_size_limit", "67108864");
        let connection = options.connect().await.map_err(DbError::from)?;
        let reads = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options.clone().pragma("query_only", "ON"));
        let source = Source::Own { options: Box::new(options.clone()), connection: Some(connection) };
        Ok(Self { reads, writer: Writer::start(source), file: Some(options) })
    }

    /// A new database in memory, with its tables. It is gone with the last clone.
    ///
    /// It has one connection, which the writer and the readers use in turns.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite fails to make it.
    pub async fn in_memory() -> Result<Self, StoreError> {
        let reads = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options().filename(":memory:"))
            .await
            .map_err(DbError::from)?;
        let store = Self { writer: Writer::start(Source::Shared(reads.clone())), reads, file: None };
        store.migrate().await?;
        Ok(store)
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] where a migration fails, or another version of this program has made the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let migrated = match &self.file {
            Some(options) => {
                let mut connection = options.connect().await.map_err(DbError::from)?;
                let migrated = migrate(&mut connection).await;
                sqlx::Connection::close(connection).await.map_err(DbError::from)?;
                migrated
            }
            None => MIGRATIONS.run(&self.reads).await.map_err(DbError::from),
        };
        Ok(migrated?)
    }

    /// Makes the writes that wait, then closes all connections. Later calls answer [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.reads.close().await;
    }
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), DbError> {
    MIGRATIONS.run_direct(None, connection, false).await?;
    users::compose_names(connection).await
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new().busy_timeout(BUSY_TIMEOUT).foreign_keys(true)
}

async fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        tokio::fs::create_dir_all(directory).await?;
    }
    let mut file = tokio::fs::OpenOptions::new();
    file.create(true).append(true);
    // It holds password hashes. SQLite gives the write-ahead log the same mode.
    #[cfg(unix)]
    file.mode(0o600);
    file.open(path).await.map(drop)
}

#[async_trait]
impl StoreHealth for SqliteStore {
    async fn check(&self) -> Result<(), StoreError> {
        self.writer.check()?;
        let read = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM conversations) AS "any: bool""#);
        match tokio::time::timeout(CHECK_TIMEOUT, read.fetch_one(&self.reads)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(DbError::from(error).into()),
            Err(late) => Err(DbError::unavailable(late).into()),
        }
    }
}
