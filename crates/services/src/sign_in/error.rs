//! How sign-in fails.

use std::time::Duration;

use domain::ErrorKind;
use ports::{BoxError, HashingError, StoreError, TokenError};

use crate::Fault;

/// A caller could not be registered, signed in or recognised.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The token does not hold.
    #[error("Invalid or expired token")]
    Token(#[source] TokenError),
    /// The token holds, and its account does not: suspended or gone.
    #[error("Invalid or expired token")]
    NoAccount,
    /// The name or the password is wrong; nobody learns which.
    #[error("Incorrect username or password")]
    WrongPassword,
    /// The name or the email address is in use.
    #[error("The username or the email address is already registered")]
    Taken,
    /// Too many sign-ins at once.
    #[error("Too many sign-ins at once, try again later")]
    Overloaded,
    /// The store failed.
    #[error("The account could not be read or stored")]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("Internal error")]
    Internal(#[source] BoxError),
}

impl From<HashingError> for SignInError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::Overloaded,
            HashingError::Failed(source) => Self::Internal(source),
        }
    }
}

impl Fault for SignInError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Token(_) | Self::NoAccount | Self::WrongPassword => ErrorKind::Unauthenticated,
            Self::Taken => ErrorKind::Invalid,
            Self::Overloaded => ErrorKind::Unavailable,
            Self::Store(error) => error.kind(),
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Token(TokenError::Expired) => "token_expired",
            Self::Token(TokenError::Invalid(_)) | Self::NoAccount => "invalid_token",
            Self::WrongPassword => "invalid_credentials",
            Self::Taken => "already_registered",
            Self::Overloaded => "overloaded",
            Self::Store(error) => error.code(),
            Self::Internal(_) => "internal_error",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Overloaded => Some(Duration::from_secs(1)),
            Self::Store(error) => error.retry_after(),
            Self::Token(_) | Self::NoAccount | Self::WrongPassword | Self::Taken | Self::Internal(_) => None,
        }
    }
}
