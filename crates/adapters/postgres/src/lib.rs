//! The store on PostgreSQL: any number of processes, one database.
//!
//! Turns are opened and closed by the [writer](turns::writer), which commits those that wait together. Everything else
//! is a single statement over a [`pool`]; only migrations have transactions of several statements.

mod conversations;
mod error;
mod files;
mod health;
mod ledger;
mod messages;
mod migrations;
mod options;
mod personas;
mod pool;
mod rows;
mod runners;
mod turns;
mod users;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use ports::StoreError;
use sqlx::postgres::PgConnectOptions;

pub use crate::options::PostgresOptions;

use crate::error::DbError;
use crate::health::Probe;
use crate::pool::Pool;
use crate::turns::writer::Writer;

/// The store: every store port on one PostgreSQL database. Clones share it.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool,
    /// For the statements that every process repeats all the time.
    steady: Pool,
    writer: Writer,
    probe: Probe,
    /// How to connect for migrations and for the lock of the process.
    connect: PgConnectOptions,
}

impl PostgresStore {
    /// A store that connects when it is first used. While the database is not available, calls fail with
    /// [`StoreError::Unavailable`]; they work again as soon as it is back.
    ///
    /// To be called within a Tokio runtime, on which the writer then runs.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the address is malformed.
    pub fn connect_lazy(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url).map_err(DbError::from)?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("omnichat"),
        };
        let timeout = options.statement_timeout.as_millis().to_string();
        // Just-in-time compilation would take longer than these statements run.
        let bounded = connect.clone().options([("statement_timeout", timeout.as_str()), ("jit", "off")]);
        Ok(Self {
            pool: Pool::connect_lazy(&bounded, options),
            steady: Pool::steady(&bounded, options),
            writer: Writer::start(&bounded, options),
            probe: Probe::connect_lazy(&bounded, options),
            connect,
        })
    }

    /// Closes all connections, once the operations that wait for the writer are done. Later calls fail with
    /// [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.steady.close().await;
        self.pool.close().await;
        self.probe.close().await;
    }
}
