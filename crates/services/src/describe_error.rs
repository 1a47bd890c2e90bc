//! What every error of a use case tells a client, whatever the protocol.

use std::time::Duration;

use domain::ErrorCode;
use ports::StoreError;

/// An error of a use case. `Display` is fit for the client; `source` is for the log.
pub trait DescribeError: std::error::Error {
    /// What programs are told of it.
    fn describe(&self) -> ErrorDescription;
}

/// What programs are told of an error, beside its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorDescription {
    /// The stable code, from which the class follows.
    pub code: ErrorCode,
    /// The field of the request that is to blame, if one is.
    pub param: Option<&'static str>,
    /// When a new try makes sense, if ever.
    pub retry_after: Option<Duration>,
}

impl ErrorDescription {
    /// The same, with the pause that the error itself knows.
    #[must_use]
    pub fn with_retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }

    /// The same, with a field that is to blame.
    #[must_use]
    pub fn with_param(self, name: &'static str) -> Self {
        Self { param: Some(name), ..self }
    }
}

/// What is fixed for the code.
impl From<ErrorCode> for ErrorDescription {
    fn from(code: ErrorCode) -> Self {
        Self { code, param: code.param(), retry_after: code.retry_after() }
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
