//! Tokens and passwords.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Timestamp, UserId};

use crate::BoxError;

/// The issuer of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// This service: the subject is the number of a user.
    Own,
    /// An outside issuer, by its name. A token that is signed with our secret and names no issuer has `shared`.
    Outside(String),
}

/// The content of a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The issuer.
    pub issuer: Issuer,
    /// The subject; not empty, at most 255 characters.
    pub subject: String,
    /// The claim `application_id`, if it is an integer.
    pub application: Option<i64>,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A token is not valid, or cannot be checked now.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It is malformed, forged, or meant for another service.
    #[error("the token is not valid")]
    Invalid(#[source] BoxError),
    /// The keys of its issuer cannot be read, so it cannot be checked.
    #[error("the keys of the token's issuer are not available")]
    Unavailable {
        /// When the keys are requested again.
        retry_after: Duration,
        /// Why the keys cannot be read.
        #[source]
        source: BoxError,
    },
}

/// Checks tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Checks the signature, algorithm, expiry, issuer and audience of a token. Our own tokens need no outside keys.
    async fn verify(&self, token: String) -> Result<Subject, TokenError>;
}

/// A token for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub token: String,
    /// Its lifetime in seconds.
    pub expires_in: u64,
}

/// Issues tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenIssuer: Send + Sync {
    /// Issues a token for a user.
    ///
    /// # Errors
    /// If signing fails, which is an error of the service itself.
    fn issue(&self, user: UserId, at: Timestamp) -> Result<AccessToken, BoxError>;
}

/// A password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// Too many passwords are waiting already.
    #[error("too many sign-ins at once")]
    Busy,
    /// An error of the service itself.
    #[error("the password could not be hashed")]
    Failed(#[source] BoxError),
}

/// Hashes passwords, a few at a time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a password into PHC form.
    async fn hash(&self, password: String) -> Result<String, HashingError>;

    /// Checks a password against a hash. Without a hash it takes the same time and returns `false`, so that the time
    /// does not reveal whether an account exists.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashingError>;
}
