//! The connections of all calls that do not go through the writer.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnection, PgPoolOptions};
use sqlx::{Connection, Executor, PgPool, Row};

use crate::error::{DbError, is_conflict, is_surprising};
use crate::health::Probe;
use crate::options::PostgresOptions;
use crate::session::Session;

/// How often a statement is tried that loses a deadlock.
const TRIES: u32 = 4;
/// The pause before the second try. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// A connection that was used within this time counts as alive. Shorter than any restart of a database takes, so that no
/// caller gets a connection from before a restart.
const FRESH: Duration = Duration::from_millis(200);
/// How long the check of a returned connection may take.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);
/// What the network may add to the statement's own timeout.
const NETWORK: Duration = Duration::from_secs(1);

/// A pool of connections. None of them is inside a transaction when it is borrowed.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: PgPool,
    /// The longest time that a call may take, whatever happens to the database.
    patience: Duration,
    probe: Arc<Probe>,
}

impl Pool {
    pub(crate) fn connect_lazy(session: &Session, options: PostgresOptions, probe: &Arc<Probe>) -> Self {
        Self::new(guarded(options), session, options, probe)
    }

    /// Two connections for the statements that a process repeats all the time: they store the text of its turns, follow the
    /// turns of other processes, renew its lease, and watch the locks of others. They wait for no request. Their connections
    /// are not tested when they are released, which would double the number of statements: a single statement leaves no
    /// transaction open, even if it is cancelled.
    pub(crate) fn steady(session: &Session, options: PostgresOptions, probe: &Arc<Probe>) -> Self {
        let options = PostgresOptions { max_connections: 2, ..options };
        Self::new(checked(options), session, options, probe)
    }

    fn new(pool: PgPoolOptions, session: &Session, options: PostgresOptions, probe: &Arc<Probe>) -> Self {
        let (address, session, judge) = (session.address().clone(), session.clone(), Arc::clone(probe));
        let pool = pool
            .after_connect(move |connection, _| {
                let session = session.clone();
                Box::pin(async move { session.begin(connection).await })
            })
            .before_acquire(move |connection, metadata| {
                let is_trusted = judge.trusts(metadata.age);
                Box::pin(async move { Ok(is_trusted && is_alive(connection, metadata).await?) })
            });
        Self {
            connections: pool.connect_lazy_with(address),
            patience: patience(options),
            probe: Arc::clone(probe),
        }
    }

    /// Runs a statement, and tries again, a few times, where a deadlock ended it.
    pub(crate) async fn run<'a, T, F>(&'a self, statement: impl Fn(&'a PgPool) -> F) -> Result<T, DbError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        Ok(self.attempt(statement).await??)
    }

    /// Like [`run`](Self::run), for callers that need the error of the statement.
    pub(crate) async fn attempt<'a, T, F>(
        &'a self,
        statement: impl Fn(&'a PgPool) -> F,
    ) -> Result<Result<T, sqlx::Error>, DbError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        self.probe.admit().await?;
        let result = self.attempt_often(statement).await;
        if result.as_ref().is_err_and(is_surprising) {
            self.probe.doubt();
        }
        Ok(result)
    }

    async fn attempt_often<'a, T, F>(&'a self, statement: impl Fn(&'a PgPool) -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.once(&statement).await {
                Err(error) if is_conflict(&error) => tokio::time::sleep(pause).await,
                result => return result,
            }
            pause *= 2;
        }
        self.once(&statement).await
    }

    async fn once<'a, T, F>(&'a self, statement: impl Fn(&'a PgPool) -> F) -> Result<T, sqlx::Error>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        match tokio::time::timeout(self.patience, statement(&self.connections)).await {
            Ok(result) => result,
            // The database hangs: its statement timeout has no effect, and the connection was not closed.
            Err(elapsed) => Err(sqlx::Error::Io(elapsed.into())),
        }
    }

    pub(crate) async fn close(&self) {
        // A connection that hangs does not delay the end for long.
        let _ = tokio::time::timeout(self.patience, self.connections.close()).await;
    }
}

/// The longest time that a statement may take, waiting for a connection included.
pub(crate) fn patience(options: PostgresOptions) -> Duration {
    options.acquire_timeout + options.statement_timeout + NETWORK
}

/// The options of all pools of this crate.
pub(crate) fn guarded(options: PostgresOptions) -> PgPoolOptions {
    checked(options).after_release(|connection, _| Box::pin(is_clean(connection)))
}

/// The same without a test of connections that are released.
fn checked(options: PostgresOptions) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(options.idle_timeout)
        .max_lifetime(options.max_lifetime)
        // `is_alive` tests only connections that were idle for a while.
        .test_before_acquire(false)
}

async fn is_alive(
    connection: &mut PgConnection,
    metadata: PoolConnectionMetadata,
) -> Result<bool, sqlx::Error> {
    if metadata.idle_for > FRESH {
        connection.ping().await?;
    }
    Ok(true)
}

/// Whether a returned connection is outside any transaction; where it is not, the pool closes it.
///
/// A future that is dropped while it begins a transaction returns its connection with the transaction open, and sqlx does
/// not notice. The writes of the next borrower would be acknowledged, and lost when the connection ends. `ROLLBACK` would
/// do as well, but outside a transaction it writes a warning into the server's log each time.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // Outside a transaction, this statement starts its own, so both times are equal. Inside one that failed, it fails.
    let ask = connection.fetch_one("SELECT now() = statement_timestamp()");
    match tokio::time::timeout(RELEASE_TIMEOUT, ask).await {
        Ok(row) => row?.try_get(0),
        Err(elapsed) => Err(sqlx::Error::Io(elapsed.into())),
    }
}
