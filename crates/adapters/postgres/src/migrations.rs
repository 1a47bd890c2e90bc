//! The schema, step by step.

use std::time::Duration;

use ports::StoreError;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::PostgresStore;
use crate::error::DbError;

/// During a rolling update an older program meets a schema that is ahead of it: schemas grow before programs do.
static MIGRATIONS: Migrator =
    Migrator { ignore_missing: true, ..sqlx::migrate!("../../../migrations/postgres") };

/// How long the database may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// There is no such table, or no such schema.
const MISSING: [&str; 2] = ["42P01", "3F000"];

impl PostgresStore {
    /// Brings the schema up to date. Any number of processes may do so at once: they wait for each other.
    ///
    /// # Errors
    /// [`StoreError`] where the database is away, or refuses a migration.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // A connection of its own kind: waiting for another process, or building an index, takes its time.
        let patient = self.connect.clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        let mut connection = match tokio::time::timeout(CONNECT_TIMEOUT, patient.connect()).await {
            Ok(connected) => connected.map_err(DbError::from)?,
            Err(_) => return Err(DbError::timed_out(CONNECT_TIMEOUT).into()),
        };
        let result = MIGRATIONS.run_direct(None, &mut connection, false).await;
        // Ending the connection also ends its advisory lock, where a failed migration has left it.
        let _ = connection.close().await;
        Ok(result.map_err(DbError::from)?)
    }

    /// Whether the schema has all that this program needs.
    ///
    /// # Errors
    /// [`StoreError`] where the database is away.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(self.pool.run(applied_versions).await.map(|applied| is_complete(&applied))?)
    }

    pub(crate) async fn migrations_are_applied(&self, pool: &PgPool) -> Result<bool, DbError> {
        Ok(is_complete(&applied_versions(pool).await?))
    }
}

fn is_complete(applied: &[i64]) -> bool {
    MIGRATIONS.iter().all(|migration| applied.contains(&migration.version))
}

async fn applied_versions(pool: &PgPool) -> Result<Vec<i64>, sqlx::Error> {
    // Not checked when built: the migrator makes this table itself.
    let versions =
        sqlx::query_scalar("SELECT version FROM omnichat._sqlx_migrations WHERE success").fetch_all(pool);
    match versions.await {
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| is_missing(&code)) => {
            Ok(Vec::new())
        }
        result => result,
    }
}

fn is_missing(code: &str) -> bool {
    MISSING.contains(&code)
}
