//! The check of whether the database can be used now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ports::{StoreError, StoreHealth};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::PostgresStore;
use crate::error::DbError;
use crate::migrations::is_complete;
use crate::options::PostgresOptions;
use crate::pool::guarded;

/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// The connection of the check. It has its own, so that it tests the database and not the load of the pool.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pool: PgPool,
    /// Set once the schema was found complete; it stays so.
    is_migrated: Arc<AtomicBool>,
}

impl Probe {
    pub(crate) fn connect_lazy(connect: &PgConnectOptions, options: PostgresOptions) -> Self {
        let one = PostgresOptions { max_connections: 1, acquire_timeout: CHECK_TIMEOUT, ..options };
        Self { pool: guarded(one).connect_lazy_with(connect.clone()), is_migrated: Arc::default() }
    }

    pub(crate) async fn close(&self) {
        let _ = tokio::time::timeout(CHECK_TIMEOUT, self.pool.close()).await;
    }
}

#[async_trait]
impl StoreHealth for PostgresStore {
    async fn check(&self) -> Result<(), StoreError> {
        match tokio::time::timeout(CHECK_TIMEOUT, self.is_usable()).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(DbError::timed_out(CHECK_TIMEOUT).into()),
        }
    }
}

impl PostgresStore {
    async fn is_usable(&self) -> Result<(), DbError> {
        if !self.probe.is_migrated.load(Ordering::Relaxed) {
            if !is_complete(&self.probe.pool).await? {
                return Err(DbError::unavailable("the schema is older than this program"));
            }
            self.probe.is_migrated.store(true, Ordering::Relaxed);
        }
        // Reads a row, so that the check fails on a broken schema, on a standby, and on a database whose operator has
        // switched writes off.
        let takes_writes = sqlx::query_scalar!(
            r#"SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
                 AND (SELECT count(*) FROM (SELECT FROM omnichat.runners LIMIT 1) r) >= 0 AS "takes_writes!""#
        )
        .fetch_one(&self.probe.pool)
        .await?;
        if takes_writes { Ok(()) } else { Err(DbError::unavailable("the database takes no writes")) }
    }
}
