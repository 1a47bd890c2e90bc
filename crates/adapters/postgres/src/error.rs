//! The one place that reads errors of the database.

use std::time::Duration;

use domain::chain;
use ports::{BeginError, BoxError, RegisterError, StoreError};
use sqlx::migrate::MigrateError;
use stored::StoredError;

/// A store error on its way out; made from whatever went wrong below.
#[derive(Debug)]
pub(crate) struct DbError(StoreError);

impl DbError {
    /// What is stored cannot be read.
    pub(crate) fn corrupt(what: &'static str, source: impl Into<BoxError>) -> Self {
        Self(StoreError::Corrupt { what, source: source.into() })
    }

    /// The store is away.
    pub(crate) fn unavailable(source: impl Into<BoxError>) -> Self {
        Self(StoreError::Unavailable(source.into()))
    }

    /// A fault of ours.
    pub(crate) fn refused(source: impl Into<BoxError>) -> Self {
        Self(StoreError::Refused(source.into()))
    }

    /// The database did not answer for so long.
    pub(crate) fn timed_out(after: Duration) -> Self {
        Self::unavailable(format!("no answer within {} ms", after.as_millis()))
    }

    /// Whether asking again later may help.
    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self.0, StoreError::Unavailable(_))
    }

    /// Whether the database itself said no: nothing of the statement was kept.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.0, StoreError::Refused(_))
    }

    /// The same error for somebody else who waits for the same commit.
    pub(crate) fn again(&self) -> Self {
        match &self.0 {
            StoreError::Corrupt { what, source } => Self::corrupt(what, chain(source.as_ref())),
            StoreError::Unavailable(source) => Self::unavailable(chain(source.as_ref())),
            StoreError::Refused(source) => Self::refused(chain(source.as_ref())),
        }
    }
}

impl From<StoreError> for DbError {
    fn from(error: StoreError) -> Self {
        Self(error)
    }
}

impl From<DbError> for StoreError {
    fn from(fault: DbError) -> Self {
        fault.0
    }
}

impl From<DbError> for BeginError {
    fn from(fault: DbError) -> Self {
        Self::Store(fault.0)
    }
}

impl From<DbError> for RegisterError {
    fn from(fault: DbError) -> Self {
        Self::Store(fault.0)
    }
}

impl From<StoredError> for DbError {
    fn from(error: StoredError) -> Self {
        Self::corrupt("message", error)
    }
}

/// Codes of PostgreSQL, by what they mean to us.
mod code {
    /// Classes that say the database cannot be used now: connections, resources, the operator's intervention (a
    /// shutdown, a start, a statement's timeout), the system around it.
    pub(super) const AWAY_CLASSES: [&str; 4] = ["08", "53", "57", "58"];
    /// The same of single codes: a lock that was not free, a server that takes no writes.
    pub(super) const AWAY: [&str; 2] = ["55P03", "25006"];
    /// The same transaction may well succeed when it is run again.
    pub(super) const TRY_AGAIN: [&str; 2] = ["40001", "40P01"];
    /// Two rows with the same key.
    pub(super) const UNIQUE_VIOLATION: &str = "23505";
}

fn has_code(error: &sqlx::Error, is_it: impl FnOnce(&str) -> bool) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| is_it(&code))
}

/// Whether a deadlock or a conflict of transactions ended the statement; nothing of it was kept.
pub(crate) fn is_conflict(error: &sqlx::Error) -> bool {
    has_code(error, |code| code::TRY_AGAIN.contains(&code))
}

/// Whether there is such a row already.
pub(crate) fn is_taken(error: &sqlx::Error) -> bool {
    has_code(error, |code| code == code::UNIQUE_VIOLATION)
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some() {
            let is_away = has_code(&error, |code| {
                code::AWAY_CLASSES.iter().any(|class| code.starts_with(class))
                    || code::AWAY.contains(&code)
                    || code::TRY_AGAIN.contains(&code)
            });
            return if is_away { Self::unavailable(error) } else { Self::refused(error) };
        }
        let is_away = matches!(
            error,
            sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                // An answer that broke off.
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
        if is_away {
            Self::unavailable(error)
        } else if is_unreadable {
            Self::corrupt("row", error)
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
