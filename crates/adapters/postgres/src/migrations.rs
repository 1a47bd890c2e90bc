//! The migrations of the schema.

use std::time::Duration;

use ports::StoreError;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection, PgPool};

use crate::PostgresStore;
use crate::error::DbError;

/// During a rolling update an older program may find a newer schema, with migrations that it does not know.
static MIGRATIONS: Migrator =
    Migrator { ignore_missing: true, ..sqlx::migrate!("../../../migrations/postgres") };

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The codes for a table or a schema that does not exist.
const MISSING: [&str; 2] = ["42P01", "3F000"];

impl PostgresStore {
    /// Brings the schema up to date. Any number of processes may do so at once: they wait for each other.
    ///
    /// # Errors
    /// [`StoreError`] where the database is not available or a migration fails, or another version of this program has
    /// made the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // A connection without timeouts: waiting for another process, or building an index, may take long.
        let patient = self.connect.clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]);
        let mut connection = match tokio::time::timeout(CONNECT_TIMEOUT, patient.connect()).await {
            Ok(connected) => connected.map_err(DbError::from)?,
            Err(_) => return Err(DbError::timed_out(CONNECT_TIMEOUT).into()),
        };
        let result = MIGRATIONS.run_direct(None, &mut connection, false).await;
        // Closing the connection also releases its advisory lock, which a failed migration leaves behind.
        let _ = connection.close().await;
        Ok(result.map_err(DbError::from)?)
    }

    /// Whether the schema has all that this program needs.
    ///
    /// # Errors
    /// [`StoreError`] where the database is not available.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        Ok(self.pool.run(is_complete).await?)
    }
}

/// Whether the database has all migrations of this program.
pub(crate) async fn is_complete(pool: &PgPool) -> Result<bool, sqlx::Error> {
    // Not checked at compile time: the migrator makes this table itself.
    let versions =
        sqlx::query_scalar("SELECT version FROM omnichat._sqlx_migrations WHERE success").fetch_all(pool);
    match versions.await {
        Ok(applied) => Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version))),
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| MISSING.contains(&code.as_ref())) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
