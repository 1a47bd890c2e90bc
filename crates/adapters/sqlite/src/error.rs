//! The errors of the database, and what they mean to callers.

use std::ops::Deref;

use ports::{BeginError, BoxError, RegisterError, StoreError};
use sqlx::migrate::MigrateError;
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

impl From<serde_json::Error> for DbError {
    fn from(error: serde_json::Error) -> Self {
        Self::refused(error)
    }
}

impl From<MigrateError> for DbError {
    fn from(error: MigrateError) -> Self {
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            return error.into();
        }
        if matches!(error, MigrateError::VersionMismatch(_) | MigrateError::VersionMissing(_)) {
            return Self::refused(format!("{error}: another version of this program has made the database"));
        }
        Self::refused(error)
    }
}

/// Result codes of SQLite; primary ones but where the comment says so.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NO_MEMORY: i32 = 7;
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const INTERRUPTED: i32 = 9;
    pub(super) const IO: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANNOT_OPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const NOT_A_DATABASE: i32 = 26;
    /// Extended: an fsync failed.
    pub(super) const IO_FSYNC: i32 = IO + 4 * 256;
    /// Extended: an fsync of a directory failed.
    pub(super) const IO_DIRECTORY_FSYNC: i32 = IO + 5 * 256;
}

fn code_of(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// Whether an fsync failed. What was acknowledged before is durable. Nothing may be acknowledged from now on, because
/// the kernel may have dropped the pages that it could not write.
pub(crate) fn is_failed_sync(error: &sqlx::Error) -> bool {
    matches!(code_of(error), Some(code::IO_FSYNC | code::IO_DIRECTORY_FSYNC))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(code) = code_of(&error) {
            return match code & 0xff {
                code::CORRUPT | code::NOT_A_DATABASE => {
                    Self(StoreError::Corrupt { what: "database", source: error.into() })
                }
                code::BUSY
                | code::LOCKED
                | code::NO_MEMORY
                | code::READ_ONLY
                | code::INTERRUPTED
                | code::IO
                | code::FULL
                | code::CANNOT_OPEN
                | code::PROTOCOL => Self::unavailable(error),
                _ => Self::refused(error),
            };
        }
        let is_unavailable = matches!(
            error,
            sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::Io(_)
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
