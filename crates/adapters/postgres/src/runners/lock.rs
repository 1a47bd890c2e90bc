//! The lock by which the other processes learn at once that this one has died.
//!
//! It is an advisory lock of a session, on a connection of its own: the server gives it back when the connection ends. The
//! process announces in its row that it holds the lock. Only then may others judge it by the lock, and only in the same
//! run of the server. They do so in `reap_unlocked.sql` and `diagnose_begin.sql`.
//!
//! The order is what makes it safe: the lock is taken, then the lease renewed, then the lock announced. So whoever finds
//! the lock free, and no renewal since then, has not looked in the middle of taking it again.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use domain::{RunnerId, chain};
use sqlx::Executor;
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::{sleep, timeout};

use crate::PostgresStore;
use crate::error::{DbError, is_forbidden};

/// The pause before the lock is tried again. With [`WITHDRAW_TIMEOUT`] and the time to connect it stays below half of the
/// second for which the lock must be free before others take the process for dead.
const RETRY: Duration = Duration::from_millis(200);
/// The pause where the account may not take locks.
const RETRY_WHERE_FORBIDDEN: Duration = Duration::from_secs(30);
/// How long withdrawing the announcement may take.
const WITHDRAW_TIMEOUT: Duration = Duration::from_millis(200);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the lock is confirmed while its connection is silent.
const CONFIRM_EVERY: Duration = Duration::from_secs(5);
/// How long the session may take to answer. With [`CONFIRM_EVERY`] it is less than the server waits for a silent network
/// (see [`SETTINGS`]), so that the announcement is withdrawn before the lock becomes free.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The server closes the connection 20 s after the network went silent, which is as long as a lease: a dead connection
/// does not hold the lock for hours, and a network that drops everything for some seconds ends no turn.
const SETTINGS: &str = "
    SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2;
    SET tcp_user_timeout = 20000";

impl PostgresStore {
    /// Holds the lock of a process until this future is dropped, and takes it again whenever it is lost.
    pub(super) async fn keep_lock(&self, runner: RunnerId) {
        // An older schema knows no locks.
        while !self.is_migrated().await.unwrap_or(false) {
            sleep(RETRY).await;
        }
        let mut is_failing = false;
        let mut is_announced = false;
        loop {
            let mut was_held = false;
            let Err(error) = self.hold_lock_once(runner, &mut was_held).await;
            is_failing &= !was_held;
            is_announced |= was_held;
            if !is_failing {
                is_failing = true;
                tracing::warn!(
                    error = %chain(&*error),
                    "no lock shows that this process is alive, only its lease does"
                );
            }
            if is_announced {
                is_announced = !self.withdraw_lock(runner).await;
            }
            sleep(if error.is_refused() { RETRY_WHERE_FORBIDDEN } else { RETRY }).await;
        }
    }

    /// Takes the lock in a new session and holds it until the session ends. Returns why it ended.
    async fn hold_lock_once(&self, runner: RunnerId, was_held: &mut bool) -> Result<Infallible, DbError> {
        let mut session = LockSession::open(self).await?;
        // A connection that was cut silently holds the lock until the server has noticed that.
        while !session.try_lock(runner).await? {
            sleep(RETRY).await;
        }
        self.renew_lease(runner).await?;
        self.announce(&mut session, runner).await?;
        *was_held = true;
        tracing::info!("a lock shows that this process is alive");
        loop {
            session.wait().await?;
            self.announce(&mut session, runner).await?;
        }
    }

    /// Announces the lock, or confirms that. A session that does not answer is given up once the announcement is withdrawn.
    /// Where that gets no answer either, all of the network is silent, and the session may be good again afterwards.
    async fn announce(&self, session: &mut LockSession, runner: RunnerId) -> Result<(), DbError> {
        let mut announcing = pin!(session.announce(runner));
        loop {
            match timeout(ANSWER_TIMEOUT, announcing.as_mut()).await {
                Ok(result) => return result,
                Err(_) if self.withdraw_lock(runner).await => return Err(DbError::timed_out(ANSWER_TIMEOUT)),
                Err(_) => {}
            }
        }
    }

    /// Takes the announcement back, over another connection than that of the lock. Returns whether that was done.
    async fn withdraw_lock(&self, runner: RunnerId) -> bool {
        let withdraw = |pool| {
            sqlx::query!("UPDATE omnichat.runners SET locked_in = NULL WHERE id = $1", runner.0).execute(pool)
        };
        matches!(timeout(WITHDRAW_TIMEOUT, self.steady.run(withdraw)).await, Ok(Ok(_)))
    }
}

/// A session of the database, which ends when this is dropped. A listener is used because it can wait for the end of its
/// connection without a statement that is under way; it listens to nothing.
struct LockSession {
    listener: PgListener,
}

impl LockSession {
    async fn open(store: &PostgresStore) -> Result<Self, DbError> {
        // Where sessions are shared, a lock belongs to nobody.
        store.probe.admit().await?;
        let one = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(store.session.address().clone());
        let mut listener = PgListener::connect_with(&one).await?;
        // A new connection would not have the lock.
        listener.eager_reconnect(false);
        answered(listener.execute(SETTINGS)).await?;
        Ok(Self { listener })
    }

    async fn try_lock(&mut self, runner: RunnerId) -> Result<bool, DbError> {
        let lock = sqlx::query_scalar!(
            r#"SELECT pg_try_advisory_lock(omnichat.lock_key($1)) AS "is_taken!""#,
            runner.0
        );
        answered(lock.fetch_one(&mut self.listener)).await
    }

    /// Announces the lock, if this session holds it.
    async fn announce(&mut self, runner: RunnerId) -> Result<(), DbError> {
        let announce = sqlx::query!(
            "UPDATE omnichat.runners SET locked_in = omnichat.server_run()
             WHERE id = $1 AND EXISTS (
                 SELECT FROM omnichat.held_locks() h WHERE h.pid = pg_backend_pid() AND h.key = omnichat.lock_key($1)
             )",
            runner.0,
        );
        match announce.execute(&mut self.listener).await?.rows_affected() {
            0 => Err(DbError::unavailable("the session no longer holds the lock")),
            _ => Ok(()),
        }
    }

    /// Waits until the lock should be confirmed.
    async fn wait(&mut self) -> Result<(), DbError> {
        match timeout(CONFIRM_EVERY, self.listener.try_recv()).await {
            Ok(Ok(None)) => Err(closed()),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(Some(_))) | Err(_) => Ok(()),
        }
    }
}

fn closed() -> DbError {
    DbError::unavailable("the connection was closed")
}

/// Waits for an answer of the session, for a bounded time.
async fn answered<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
    match timeout(ANSWER_TIMEOUT, statement).await {
        Ok(Err(error)) if is_forbidden(&error) => Err(DbError::refused(error)),
        Ok(result) => Ok(result?),
        Err(_) => Err(DbError::timed_out(ANSWER_TIMEOUT)),
    }
}
