//! How sign-in fails.

use std::time::Duration;

use domain::ErrorCode;
use ports::{BoxError, HashingError, StoreError, TokenError};

use crate::{DescribeError, ErrorDescription};

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

impl DescribeError for SignInError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::TokenExpired => ErrorCode::TokenExpired.into(),
            Self::InvalidToken(_) | Self::NoAccount => ErrorCode::InvalidToken.into(),
            Self::IdentityUnavailable { retry_after, .. } => {
                ErrorDescription::from(ErrorCode::IdentityUnavailable).with_retry_after(*retry_after)
            }
            Self::WrongPassword => ErrorCode::InvalidCredentials.into(),
            Self::Taken => ErrorCode::AlreadyRegistered.into(),
            Self::Overloaded => ErrorCode::Overloaded.into(),
            Self::Store(error) => error.describe(),
            Self::Internal(_) => ErrorCode::InternalError.into(),
        }
    }
}
