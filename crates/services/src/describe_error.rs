//! How errors of use cases are described to clients, independent of the protocol.

use std::time::Duration;

use domain::{ErrorCode, Failure};
use ports::StoreError;

/// An error of a use case. Clients may see its `Display`; the log also shows its `source`.
pub trait DescribeError: std::error::Error {
    /// Describes the error for client programs.
    fn describe(&self) -> ErrorDescription;
}

/// The description of an error for client programs, in addition to its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorDescription {
    /// The stable code. It determines the class.
    pub code: ErrorCode,
    /// The field of the request that caused the error, if any.
    pub param: Option<&'static str>,
    /// When to try again, if that can help.
    pub retry_after: Option<Duration>,
}

impl ErrorDescription {
    /// Sets when to try again.
    #[must_use]
    pub fn with_retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }
}

/// The description that is fixed for a code.
impl From<ErrorCode> for ErrorDescription {
    fn from(code: ErrorCode) -> Self {
        Self { code, param: code.param(), retry_after: code.retry_after() }
    }
}

/// The description of a failed model call.
impl From<Failure> for ErrorDescription {
    fn from(failure: Failure) -> Self {
        let Failure { kind, retry_after } = failure;
        let description = Self::from(kind.code());
        Self { retry_after: retry_after.or(description.retry_after), ..description }
    }
}

impl DescribeError for StoreError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::Unavailable(_) => ErrorCode::DatabaseUnavailable,
            Self::Corrupt { .. } | Self::Refused(_) => ErrorCode::InternalError,
        }
        .into()
    }
}
