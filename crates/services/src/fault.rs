//! What every error of a use case can say about itself.

use std::time::Duration;

use domain::ErrorKind;
use ports::StoreError;

/// An error of a use case. `Display` is fit for the client; `source` is for the log.
pub trait Fault: std::error::Error {
    /// The class.
    fn kind(&self) -> ErrorKind;

    /// A stable word in snake case.
    fn code(&self) -> &'static str;

    /// The field of the request that is to blame.
    fn param(&self) -> Option<&'static str> {
        None
    }

    /// When a new try makes sense.
    fn retry_after(&self) -> Option<Duration> {
        None
    }
}

/// How long a client should wait when the store is away.
const STORE_RETRY: Duration = Duration::from_secs(2);

impl Fault for StoreError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Corrupt { .. } | Self::Refused(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "database_unavailable",
            Self::Corrupt { .. } | Self::Refused(_) => "internal_error",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(_) => Some(STORE_RETRY),
            Self::Corrupt { .. } | Self::Refused(_) => None,
        }
    }
}
