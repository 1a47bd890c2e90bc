//! The errors of the database, and what they mean to callers.

use std::ops::Deref;
use std::time::Duration;

use ports::{BeginError, BoxError, RegisterError, StoreError};
use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use stored::StoredError;

/// A [`StoreError`], made of whatever error came from below.
#[derive(Debug)]
pub(crate) struct DbError(StoreError);

impl DbError {
    /// The database cannot be used now.
    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self(StoreError::Unavailable(source.into()))
    }

    /// The database refuses what it was asked: a fault of this program.
    pub(crate) fn refused(source: impl Into<BoxError>) -> Self {
        Self(StoreError::Refused(source.into()))
    }

    /// The database did not answer within this time.
    pub(crate) fn timed_out(after: Duration) -> Self {
        Self::unavailable(format!("no answer within {} ms", after.as_millis()))
    }
}

impl Deref for DbError {
    type Target = StoreError;

    fn deref(&self) -> &StoreError {
        &self.0
    }
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        error.0
    }
}

impl From<DbError> for BeginError {
    fn from(error: DbError) -> Self {
        Self::Store(error.0)
    }
}

impl From<DbError> for RegisterError {
    fn from(error: DbError) -> Self {
        Self::Store(error.0)
    }
}

impl From<StoredError> for DbError {
    fn from(error: StoredError) -> Self {
        Self(error.into())
    }
}

/// Error codes of PostgreSQL, by what they mean here.
mod code {
    /// Classes that mean that the database cannot be used now: connections, sign-in, a database that does not exist,
    /// resources, the operator's intervention (a shutdown, a start, a statement's timeout), the system around it.
    pub(super) const UNAVAILABLE_CLASSES: [&str; 6] = ["08", "28", "3D", "53", "57", "58"];
    /// Single codes that mean the same: a lock that was not free, a server that takes no writes.
    pub(super) const UNAVAILABLE: [&str; 2] = ["55P03", READ_ONLY];
    /// A write in a session that takes none.
    pub(super) const READ_ONLY: &str = "25006";
    /// A schema, table, column, function or type that does not exist. All statements were checked against the
    /// migrations, so the schema is not that of this program.
    pub(super) const MISSING: [&str; 5] = ["3F000", "42P01", "42703", "42883", "42704"];
    /// A right that the account does not have.
    pub(super) const FORBIDDEN: &str = "42501";
    /// A prepared statement that does not exist, or exists already: another session has executed the statement.
    pub(super) const SHARED_SESSION: [&str; 2] = ["26000", "42P05"];
    /// A deadlock or a conflict of transactions: the same statement may well succeed when it is run again.
    pub(super) const CONFLICT: [&str; 2] = ["40001", "40P01"];
    /// Two rows with the same key.
    pub(super) const UNIQUE_VIOLATION: &str = "23505";
}

/// What an operator reads where sessions are shared.
pub(crate) const SHARED_SESSION: &str = "a pooler in front of the database gives the statements of one connection to different \
     sessions: it must use session pooling (in pgbouncer: pool_mode = session)";

fn has_code(error: &sqlx::Error, is_it: impl FnOnce(&str) -> bool) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| is_it(&code))
}

/// Whether a deadlock or a conflict of transactions ended the statement. Nothing of it was kept.
pub(crate) fn is_conflict(error: &sqlx::Error) -> bool {
    has_code(error, |code| code::CONFLICT.contains(&code))
}

/// Whether there is a row with the same key already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    has_code(error, |code| code == code::UNIQUE_VIOLATION)
}

/// Whether the account may not do this.
pub(crate) fn is_forbidden(error: &sqlx::Error) -> bool {
    has_code(error, |code| code == code::FORBIDDEN)
}

/// Whether a schema, a table or what else the statement names does not exist.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    has_code(error, |code| code::MISSING.contains(&code))
}

/// Whether the statement met a session in which it was not prepared.
pub(crate) fn shows_a_shared_session(error: &sqlx::Error) -> bool {
    has_code(error, |code| code::SHARED_SESSION.contains(&code))
}

/// Whether the error shows that the database, or what is in front of it, is no longer what was examined.
pub(crate) fn is_surprising(error: &sqlx::Error) -> bool {
    shows_a_shared_session(error) || has_code(error, |code| code == code::READ_ONLY)
}

/// Whether the server ended the connection, or did not let it begin.
fn is_fatal(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if shows_a_shared_session(&error) {
            return Self::unavailable(format!("{SHARED_SESSION}: {error}"));
        }
        if is_missing(&error) {
            return Self::unavailable(format!("the schema is not that of this program: {error}"));
        }
        if error.as_database_error().is_some() {
            let is_unavailable = has_code(&error, |code| {
                code::UNAVAILABLE_CLASSES.iter().any(|class| code.starts_with(class))
                    || code::UNAVAILABLE.contains(&code)
                    || code::CONFLICT.contains(&code)
                    || code == code::FORBIDDEN
            });
            return if is_unavailable || is_fatal(&error) {
                Self::unavailable(error)
            } else {
                Self::refused(error)
            };
        }
        let is_unavailable = matches!(
            error,
            sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                // A certificate that cannot be read; the address itself was read at the start.
                | sqlx::Error::Configuration(_)
                // A reply that broke off.
                | sqlx::Error::Protocol(_)
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
        );
        let is_unreadable = matches!(
            error,
            sqlx::Error::Decode(_)
                | sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::ColumnNotFound(_)
                | sqlx::Error::TypeNotFound { .. }
        );
        if is_unavailable {
            Self::unavailable(error)
        } else if is_unreadable {
            Self(StoreError::Corrupt { what: "row", source: error.into() })
        } else {
            Self::refused(error)
        }
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            return error.into();
        }
        if matches!(error, MigrateError::VersionMismatch(_)) {
            return Self::refused(format!("{error}: another version of this program has made the database"));
        }
        Self::refused(error)
    }
}
