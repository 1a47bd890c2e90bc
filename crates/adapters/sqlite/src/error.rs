//! The one place that reads errors of the database.

use domain::chain;
use ports::{BeginError, RegisterError, StoreError};
use sqlx::migrate::MigrateError;
use stored::StoredError;

/// A store error on its way out; made from whatever went wrong below.
#[derive(Debug)]
pub(crate) struct DbError(StoreError);

impl DbError {
    /// What is stored cannot be read.
    pub(crate) fn corrupt(what: &'static str, source: impl Into<ports::BoxError>) -> Self {
        Self(StoreError::Corrupt { what, source: source.into() })
    }

    /// The store is away.
    pub(crate) fn unavailable(source: impl Into<ports::BoxError>) -> Self {
        Self(StoreError::Unavailable(source.into()))
    }

    /// A fault of ours.
    pub(crate) fn refused(source: impl Into<ports::BoxError>) -> Self {
        Self(StoreError::Refused(source.into()))
    }

    /// Whether another row might do better.
    pub(crate) fn is_about_the_data(&self) -> bool {
        match &self.0 {
            StoreError::Corrupt { .. } | StoreError::Refused(_) => true,
            StoreError::Unavailable(_) => false,
        }
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

/// Primary result codes of SQLite that say the database cannot be used now.
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
    /// Extended: the disk did not take what was to be made durable.
    pub(super) const IO_FSYNC: i32 = IO + 4 * 256;
    /// Extended: the same of a directory.
    pub(super) const IO_DIRECTORY_FSYNC: i32 = IO + 5 * 256;
}

fn code_of(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// Whether the disk has failed to make a commit durable. What was acknowledged before is safe; nothing may be
/// acknowledged after, for the kernel may have forgotten the pages it could not write.
pub(crate) fn is_failed_sync(error: &sqlx::Error) -> bool {
    matches!(code_of(error), Some(code::IO_FSYNC | code::IO_DIRECTORY_FSYNC))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        if let Some(code) = code_of(&error) {
            return match code & 0xff {
                code::CORRUPT | code::NOT_A_DATABASE => Self::corrupt("database", error),
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
        let is_away = matches!(
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
        if is_away {
            Self::unavailable(error)
        } else if is_unreadable {
            Self::corrupt("row", error)
        } else {
            Self::refused(error)
        }
    }
}
