//! Tokens and passwords.

use std::time::Duration;

use async_trait::async_trait;
use domain::{Timestamp, UserId};

use crate::BoxError;

/// Whose word a token is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// Ours: the subject is a user's number.
    Own,
    /// An outside one, by its name; tokens that are signed with our secret and name no issuer are `shared`.
    Outside(String),
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whose word it is.
    pub issuer: Issuer,
    /// Whom it is about; never empty, at most 255 characters.
    pub subject: String,
    /// The claim `application_id`, where it is an integer.
    pub application: Option<i64>,
    /// Until when it holds.
    pub expires_at: Timestamp,
}

/// A token is not valid, or nobody can tell now.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It has expired.
    #[error("the token has expired")]
    Expired,
    /// It is malformed, forged, or not for us.
    #[error("the token is not valid")]
    Invalid(#[source] BoxError),
    /// The keys of its issuer are away, so nobody can tell.
    #[error("the keys of the token's issuer are not available")]
    Unavailable {
        /// When they are asked for again.
        retry_after: Duration,
        /// What is wrong.
        #[source]
        source: BoxError,
    },
}

/// Reads tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Checks a token: signature, algorithm, expiry, issuer, audience. Our own tokens never wait for somebody else.
    async fn verify(&self, token: String) -> Result<Subject, TokenError>;
}

/// A token for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token.
    pub token: String,
    /// For how many seconds it holds.
    pub expires_in: u64,
}

/// Makes tokens.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TokenIssuer: Send + Sync {
    /// Makes a token for a user.
    ///
    /// # Errors
    /// Where signing fails: a fault of ours.
    fn issue(&self, user: UserId, at: Timestamp) -> Result<AccessToken, BoxError>;
}

/// A password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// Too many are waiting already.
    #[error("too many sign-ins at once")]
    Busy,
    /// A fault of ours.
    #[error("the password could not be hashed")]
    Failed(#[source] BoxError),
}

/// Hashes passwords, a few at a time.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// Hashes a password into PHC form.
    async fn hash(&self, password: String) -> Result<String, HashingError>;

    /// Compares a password with a hash. Without a hash it takes the same time and answers `false`, so that nobody
    /// can tell whether an account exists.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashingError>;
}
