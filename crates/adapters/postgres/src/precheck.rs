//! What a database is checked for before this program uses it.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row};

use crate::error::{DbError, SHARED_SESSION};
use crate::session::Session;

/// The oldest version that is supported.
const OLDEST_VERSION: u32 = 14;
/// How often it is checked that a connection keeps its session. In a quiet pooler that shares sessions, the first time
/// shows it. Where other clients use the pooler too, a connection meets its own session again by chance: with six busy
/// clients, about every third time.
const ROUNDS: usize = 16;

/// What an operator reads where a standby or a setting refuses writes.
pub(crate) const TAKES_NO_WRITES: &str = "the database takes no writes";

/// What an operator reads where a new connection has the prepared statements of an earlier client.
const USED_SESSION: &str = "a pooler in front of the database does not reset sessions before it gives them to the next client (in \
     pgbouncer: server_reset_query = DISCARD ALL)";

/// Why a database is not used.
#[derive(Debug)]
pub(crate) enum ExamineError {
    /// It could not be examined now.
    Failed(DbError),
    /// This program cannot work with it.
    Unsuitable(String),
}

impl From<sqlx::Error> for ExamineError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(DbError::unavailable(error))
    }
}

/// Connects, and checks that this program can work with the database. Returns the connection, with its settings made.
///
/// A connection must have a session of its own. Some poolers, such as pgbouncer with `pool_mode = transaction`, choose
/// a session for each transaction. There, prepared statements fail or, worse, are confused with those of another client
/// that have the same name; time limits do not hold, or hold for others; the lock of the migrations may stay for ever.
///
/// # Errors
/// See [`ExamineError`]. Nothing was changed but a setting that nothing reads.
pub(crate) async fn examine(session: &Session, patience: Duration) -> Result<PgConnection, ExamineError> {
    let mut ours = within(patience, session.address().connect()).await?;
    if let Some(version) = ours.server_version_num()
        && version < OLDEST_VERSION * 10_000
    {
        return Err(ExamineError::Unsuitable(format!(
            "the database is PostgreSQL {}, and {OLDEST_VERSION} or newer is needed",
            version / 10_000
        )));
    }
    // Not prepared, and not checked at compile time: where sessions are shared, nothing may stay in them.
    let marked = within(
        patience,
        ours.fetch_one(
            "SELECT pg_backend_pid()::text,
                set_config('omnichat.session', md5(random()::text || clock_timestamp()::text), false),
                current_setting('server_encoding'),
                (pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on')::text,
                (SELECT count(*) FROM pg_prepared_statements)::text",
        ),
    )
    .await?;
    let encoding = text(&marked, 2)?;
    if encoding != "UTF8" {
        return Err(ExamineError::Unsuitable(format!(
            "the encoding of the database is {encoding}, and UTF8 is needed"
        )));
    }
    if text(&marked, 3)? == "true" {
        return Err(ExamineError::Failed(DbError::unavailable(TAKES_NO_WRITES)));
    }
    let (pid, mark) = (text(&marked, 0)?, text(&marked, 1)?);
    let other = match tokio::time::timeout(patience, session.address().connect()).await {
        Ok(connected) => connected?,
        Err(_) => return Err(too_few_connections()),
    };
    keeps_its_session(&mut ours, other, (pid, mark), patience).await?;
    if text(&marked, 4)? != "0" {
        return Err(ExamineError::Unsuitable(USED_SESSION.to_owned()));
    }
    within(patience, session.begin(&mut ours)).await?;
    Ok(ours)
}

/// Checks that a connection, whose session has this process and this mark, has them still while another one is in a
/// transaction. A pooler that shares sessions would give the free session of the first to the second.
async fn keeps_its_session(
    ours: &mut PgConnection,
    mut other: PgConnection,
    (pid, mark): (String, String),
    patience: Duration,
) -> Result<(), ExamineError> {
    for _ in 0..ROUNDS {
        let begin = other.fetch_one("BEGIN; SELECT pg_backend_pid()::text");
        let theirs = match tokio::time::timeout(patience, begin).await {
            Ok(row) => text(&row?, 0)?,
            Err(_) => return Err(too_few_connections()),
        };
        let ask = ours.fetch_one(
            "SELECT pg_backend_pid()::text, coalesce(current_setting('omnichat.session', true), '')",
        );
        let now = within(patience, ask).await?;
        if theirs == pid || text(&now, 0)? != pid || text(&now, 1)? != mark {
            return Err(ExamineError::Unsuitable(SHARED_SESSION.to_owned()));
        }
        within(patience, other.execute("ROLLBACK")).await?;
    }
    let _ = within(patience, other.close()).await;
    Ok(())
}

fn too_few_connections() -> ExamineError {
    ExamineError::Failed(DbError::unavailable(
        "a second connection gets no answer: a pooler in front of the database has too few connections left",
    ))
}

fn text(row: &PgRow, column: usize) -> Result<String, sqlx::Error> {
    row.try_get(column)
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, ExamineError> {
    match tokio::time::timeout(patience, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(ExamineError::Failed(DbError::timed_out(patience))),
    }
}
