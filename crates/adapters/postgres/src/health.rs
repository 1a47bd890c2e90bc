//! Whether the database can be used: checked before the first statement, and whenever someone asks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ports::{StoreError, StoreHealth};
use sqlx::{Connection, PgConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, timeout};

use crate::PostgresStore;
use crate::error::{DbError, is_surprising};
use crate::migrations::is_complete;
use crate::options::PostgresOptions;
use crate::precheck::{ExamineError, TAKES_NO_WRITES, examine};
use crate::session::Session;

/// How long a check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);
/// After a database was found unusable, statements are refused for this time before it is examined again.
const REFUSE_FOR: Duration = Duration::from_secs(1);

/// Examines the database before anything else uses it, and checks its health. It has a connection of its own, so that
/// it tests the database and not the load of the pool.
#[derive(Debug)]
pub(crate) struct Probe {
    session: Session,
    /// How long connecting, and each statement of the examination, may take.
    patience: Duration,
    /// Whether the database was found usable, and nothing has made that doubtful since.
    is_admitted: AtomicBool,
    /// When it was found so. Connections from before may be without settings and prepared statements.
    admitted_at: std::sync::Mutex<Option<Instant>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<PgConnection>,
    /// Whether the schema was found complete and open to the account; it stays so.
    is_prepared: bool,
    /// When and why the last examination failed.
    failed: Option<(Instant, DbError)>,
    is_closed: bool,
}

impl Probe {
    pub(crate) fn new(session: Session, options: PostgresOptions) -> Self {
        Self {
            session,
            patience: options.acquire_timeout,
            is_admitted: AtomicBool::new(false),
            admitted_at: std::sync::Mutex::default(),
            state: Arc::default(),
        }
    }

    /// Waits until the database was examined once, and refuses if this program cannot work with it: then no statement
    /// is sent, so that every caller gets the reason, and nothing is half done.
    pub(crate) async fn admit(&self) -> Result<(), DbError> {
        if self.is_admitted.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut state = self.state.lock().await;
        // Another caller may have examined it meanwhile.
        if self.is_admitted.load(Ordering::Acquire) {
            return Ok(());
        }
        if let Some((at, error)) = &state.failed
            && at.elapsed() < REFUSE_FOR
        {
            return Err(error.duplicate().into());
        }
        self.examine(&mut state).await
    }

    /// Has the database examined again before the next statement.
    pub(crate) fn doubt(&self) {
        self.is_admitted.store(false, Ordering::Release);
    }

    /// Whether a connection of this age was made after the last doubt was resolved.
    pub(crate) fn trusts(&self, age: Duration) -> bool {
        let admitted_at = self.admitted_at.lock().unwrap_or_else(PoisonError::into_inner);
        admitted_at.is_some_and(|at| age <= at.elapsed())
    }

    async fn examine(&self, state: &mut State) -> Result<(), DbError> {
        state.connection = None;
        let error = match examine(&self.session, self.patience).await {
            Ok(connection) => {
                state.connection = Some(connection);
                state.failed = None;
                if !self.is_admitted.load(Ordering::Acquire) {
                    *self.admitted_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                    self.is_admitted.store(true, Ordering::Release);
                }
                return Ok(());
            }
            // The connections that are open already may still be good.
            Err(ExamineError::Failed(error)) => error,
            Err(ExamineError::Unsuitable(reason)) => {
                self.doubt();
                DbError::unavailable(reason)
            }
        };
        state.failed = Some((Instant::now(), error.duplicate().into()));
        Err(error)
    }

    /// Checks the database in a task of its own, of which there is never more than one. Where the database is far away, an
    /// examination takes longer than the caller waits: it goes on, and the next check finds it done.
    async fn check(self: &Arc<Self>) -> Result<(), DbError> {
        let state = Arc::clone(&self.state).lock_owned().await;
        let probe = Arc::clone(self);
        #[expect(clippy::disallowed_methods, reason = "it ends soon, as each of its steps has a time limit")]
        let check = tokio::spawn(async move { probe.check_once(state).await });
        check.await.unwrap_or_else(|error| Err(DbError::unavailable(error)))
    }

    async fn check_once(&self, mut state: OwnedMutexGuard<State>) -> Result<(), DbError> {
        if state.is_closed {
            return Err(closed());
        }
        let mut connection = self.connection(&mut state).await?;
        let asking = problem(&mut connection, &mut state.is_prepared);
        let Ok(result) = timeout(CHECK_TIMEOUT, asking).await else {
            return Err(DbError::timed_out(CHECK_TIMEOUT));
        };
        if result.as_ref().is_err_and(is_surprising) {
            self.doubt();
        }
        let problem = result?;
        // New connections may take writes by now, if it was a setting of the account or the database.
        if problem.as_deref() == Some(TAKES_NO_WRITES) {
            self.doubt();
        }
        state.connection = Some(connection);
        problem.map_or(Ok(()), |problem| Err(DbError::unavailable(problem)))
    }

    /// The connection of the last check, or else one to a database that was examined anew.
    async fn connection(&self, state: &mut State) -> Result<PgConnection, DbError> {
        if let Some(mut connection) = state.connection.take()
            && self.is_admitted.load(Ordering::Acquire)
            // A connection that was cut while it was idle says nothing about the database now.
            && matches!(timeout(CHECK_TIMEOUT, connection.ping()).await, Ok(Ok(())))
        {
            return Ok(connection);
        }
        self.examine(state).await?;
        state.connection.take().ok_or_else(closed)
    }

    pub(crate) async fn close(&self) {
        let close = async {
            let mut state = self.state.lock().await;
            state.is_closed = true;
            if let Some(connection) = state.connection.take() {
                let _ = connection.close().await;
            }
        };
        let _ = timeout(CHECK_TIMEOUT, close).await;
    }
}

fn closed() -> DbError {
    DbError::unavailable("the store is closed")
}

/// What prevents the use of the database, if anything does.
async fn problem(
    connection: &mut PgConnection,
    is_prepared: &mut bool,
) -> Result<Option<String>, sqlx::Error> {
    if !*is_prepared {
        if !is_complete(&mut *connection).await? {
            return Ok(Some(
                "its schema is missing or older than this program: run `omnichat migrate`".to_owned(),
            ));
        }
        if let Some(tables) = closed_tables(connection).await? {
            return Ok(Some(format!("the account may not read and write these tables: {tables}")));
        }
        *is_prepared = true;
    }
    // Reads a row, so that the check fails on a broken schema, on a standby, and on a database whose operator has
    // switched writes off.
    let takes_writes = sqlx::query_scalar!(
        r#"SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'
             AND (SELECT count(*) FROM (SELECT FROM omnichat.runners LIMIT 1) r) >= 0 AS "takes_writes!""#
    )
    .fetch_one(connection)
    .await?;
    Ok(if takes_writes { None } else { Some(TAKES_NO_WRITES.to_owned()) })
}

/// The tables that the account may not use as this program does.
async fn closed_tables(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT string_agg(c.relname, ', ' ORDER BY c.relname)
         FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'omnichat'::regnamespace AND c.relkind = 'r' AND c.relname <> '_sqlx_migrations'
           AND NOT (
               has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
               -- Nothing changes the rows of the ledger.
               AND (c.relname = 'ledger'
                    OR has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
           )"
    )
    .fetch_one(connection)
    .await
}

#[async_trait]
impl StoreHealth for PostgresStore {
    async fn check(&self) -> Result<(), StoreError> {
        match timeout(CHECK_TIMEOUT, self.probe.check()).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(DbError::timed_out(CHECK_TIMEOUT).into()),
        }
    }
}
