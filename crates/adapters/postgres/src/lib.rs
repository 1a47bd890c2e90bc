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
mod precheck;
mod prompts;
mod rows;
mod runners;
mod session;
mod turns;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use ports::StoreError;

pub use crate::options::PostgresOptions;

use crate::health::Probe;
use crate::pool::Pool;
use crate::session::Session;
use crate::turns::writer::Writer;

/// The store: every store port on one PostgreSQL database. Clones share it.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: Pool,
    /// For the statements that every process repeats all the time.
    steady: Pool,
    writer: Writer,
    probe: Arc<Probe>,
    /// Sessions without time limits, for migrations and for the lock of the process.
    session: Session,
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
        let session = Session::parse(url)?;
        let timeout = options.statement_timeout.as_millis().to_string();
        // Just-in-time compilation would take longer than these statements run.
        let bounded = session.with([("statement_timeout", timeout.as_str()), ("jit", "off")]);
        let probe = Arc::new(Probe::new(bounded.clone(), options));
        Ok(Self {
            pool: Pool::connect_lazy(&bounded, options, &probe),
            steady: Pool::steady(&bounded, options, &probe),
            writer: Writer::start(&bounded, options, &probe),
            probe,
            session,
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
