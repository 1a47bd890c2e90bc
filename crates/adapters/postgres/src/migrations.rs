//! The migrations of the schema.

use std::time::Duration;

use ports::StoreError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgExecutor};

use crate::PostgresStore;
use crate::error::{DbError, is_forbidden, is_missing};

/// During a rolling update an older program may find a newer schema, with migrations that it does not know.
static MIGRATIONS: Migrator =
    Migrator { ignore_missing: true, ..sqlx::migrate!("../../../migrations/postgres") };

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
impl PostgresStore {
    /// Brings the schema up to date. Any number of processes may do so at once: they wait for each other.
    ///
    /// # Errors
    /// [`StoreError`] where the database is not available or a migration fails, or another version of this program has
    /// made the database.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        // A pooler might keep the lock of the migrations in a session that nothing uses any more.
        self.probe.admit().await?;
        // Without timeouts: waiting for another process, or building an index, may take long.
        let patient = self.session.with([("statement_timeout", "0"), ("lock_timeout", "0")]);
        let mut connection = match tokio::time::timeout(CONNECT_TIMEOUT, patient.connect()).await {
            Ok(connected) => connected.map_err(DbError::from)?,
            Err(_) => return Err(DbError::timed_out(CONNECT_TIMEOUT).into()),
        };
        let result = match MIGRATIONS.run_direct(None, &mut connection, false).await {
            // An account that may not change the schema need not, where nothing is missing.
            Err(MigrateError::Execute(error)) if is_forbidden(&error) => {
                match is_complete(&mut connection).await {
                    Ok(true) => Ok(()),
                    Ok(false) | Err(_) => Err(error.into()),
                }
            }
            result => result.map_err(DbError::from),
        };
        // Closing the connection also releases its advisory lock, which a failed migration leaves behind.
        let _ = connection.close().await;
        Ok(result?)
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
pub(crate) async fn is_complete(database: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    // Not checked at compile time: the migrator makes this table itself.
    let versions =
        sqlx::query_scalar("SELECT version FROM omnichat._sqlx_migrations WHERE success").fetch_all(database);
    match versions.await {
        Ok(applied) => Ok(MIGRATIONS.iter().all(|migration| applied.contains(&migration.version))),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
