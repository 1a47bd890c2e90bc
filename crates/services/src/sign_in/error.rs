//! How sign-in fails.

use std::time::Duration;

use domain::ErrorKind;
use ports::{BoxError, HashingError, StoreError, TokenError};

use crate::Fault;

/// A caller could not be registered, signed in or recognised.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The token has expired.
    #[error("Invalid or expired token")]
    TokenExpired,
    /// The token does not hold.
    #[error("Invalid or expired token")]
    InvalidToken(#[source] BoxError),
    /// Whether the token holds cannot be told now.
    #[error("The token cannot be checked now, try again later")]
    IdentityUnavailable {
        /// When it may be.
        retry_after: Duration,
        /// What is away.
        #[source]
        source: BoxError,
    },
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

impl From<TokenError> for SignInError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Expired => Self::TokenExpired,
            TokenError::Invalid(source) => Self::InvalidToken(source),
            TokenError::Unavailable { retry_after, source } => {
                Self::IdentityUnavailable { retry_after, source }
            }
        }
    }
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
            Self::TokenExpired | Self::InvalidToken(_) | Self::NoAccount | Self::WrongPassword => {
                ErrorKind::Unauthenticated
            }
            Self::Taken => ErrorKind::Invalid,
            Self::IdentityUnavailable { .. } | Self::Overloaded => ErrorKind::Unavailable,
            Self::Store(error) => error.kind(),
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TokenExpired => "token_expired",
            Self::InvalidToken(_) | Self::NoAccount => "invalid_token",
            Self::IdentityUnavailable { .. } => "identity_unavailable",
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
            Self::IdentityUnavailable { retry_after, .. } => Some(*retry_after),
            Self::TokenExpired
            | Self::InvalidToken(_)
            | Self::NoAccount
            | Self::WrongPassword
            | Self::Taken
            | Self::Internal(_) => None,
        }
    }
}
