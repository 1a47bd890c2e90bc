//! The store on PostgreSQL: any number of processes, one database.
//!
//! Opening and closing turns goes through the [`writer`], which makes what waits durable in one statement. All else
//! are single statements over a [`pool`]; nothing here opens a transaction of several statements but the migrations.

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
mod writer;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use ports::StoreError;
use sqlx::postgres::PgConnectOptions;

pub use crate::options::PostgresOptions;

use crate::error::DbError;
use crate::health::Probe;
use crate::pool::Pool;
use crate::writer::Writer;

/// The store: every store port on one PostgreSQL database. Clones share it.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool,
    writer: Writer,
    probe: Probe,
    /// For connections of their own kind.
    connect: PgConnectOptions,
}

impl PostgresStore {
    /// A store that connects when it is first used. While the database is away, calls answer that it is, and they
    /// work again as soon as it is back.
    ///
    /// To be called within a Tokio runtime, which the writers then run on.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the address cannot be read.
    pub fn connect_lazy(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let connect = PgConnectOptions::from_str(url).map_err(DbError::from)?;
        let connect = match connect.get_application_name() {
            Some(_) => connect,
            None => connect.application_name("omnichat"),
        };
        let timeout = options.statement_timeout.as_millis().to_string();
        // Statements here run for less time than it takes to compile them.
        let bounded = connect.clone().options([("statement_timeout", timeout.as_str()), ("jit", "off")]);
        Ok(Self {
            pool: Pool::connect_lazy(&bounded, options),
            writer: Writer::start(&bounded, options),
            probe: Probe::connect_lazy(&bounded, options),
            connect,
        })
    }

    /// Ends all connections, after what waits for a writer is done. Calls that come later are told that the store is
    /// away.
    pub async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
        self.probe.close().await;
    }
}
