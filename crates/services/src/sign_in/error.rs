//! The errors of registration, sign-in and tokens.

use std::sync::Arc;
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
    /// The token is not valid.
    #[error("Invalid or expired token")]
    InvalidToken(#[source] BoxError),
    /// The token cannot be checked now, because the keys of its issuer are not available.
    #[error("The token cannot be checked now, try again later")]
    IdentityUnavailable {
        /// When to try again.
        retry_after: Duration,
        /// Why the keys are not available.
        #[source]
        source: BoxError,
    },
    /// The token is valid, but its account is suspended or deleted.
    #[error("Invalid or expired token")]
    NoAccount,
    /// The account of a token could not be found. Calls that waited for the same account share the error.
    #[error(transparent)]
    Account(Arc<SignInError>),
    /// The name or the password is wrong; the client is not told which.
    #[error("Incorrect username or password")]
    WrongPassword,
    /// The name or the email address is in use.
    #[error("The username or the email address is already registered")]
    Taken,
    /// Too many passwords are being hashed.
    #[error("Too many sign-ins at once, try again later")]
    Overloaded,
    /// The store failed.
    #[error("The account could not be read or stored")]
    Store(#[from] StoreError),
    /// An error of the service itself.
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
            Self::Account(error) => error.describe(),
            Self::WrongPassword => ErrorCode::InvalidCredentials.into(),
            Self::Taken => ErrorCode::AlreadyRegistered.into(),
            Self::Overloaded => ErrorCode::Overloaded.into(),
            Self::Store(error) => error.describe(),
            Self::Internal(_) => ErrorCode::InternalError.into(),
        }
    }
}
