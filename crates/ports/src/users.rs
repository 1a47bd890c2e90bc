//! User accounts.

use async_trait::async_trait;
use domain::{NewUser, Tier, Timestamp, User, UserId};

use crate::StoreError;

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The name or the email address is in use.
    #[error("the name or the email address is in use")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a sign-in needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRecord {
    /// The account.
    pub user: User,
    /// The hash of its password, in PHC form.
    pub password_hash: Option<String>,
}

/// What an operator changes of an account; what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserChange {
    /// Another tier.
    pub tier: Option<Tier>,
    /// Suspends (`false`) or lets in again.
    pub active: Option<bool>,
}

/// The accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Makes an account. Names and email addresses are compared in lower case, and a name may not be the email
    /// address of another account.
    async fn register(&self, new: NewUser) -> Result<User, RegisterError>;

    /// The registered account with this name or email address, in any case.
    async fn find_for_sign_in(&self, name: String) -> Result<Option<SignInRecord>, StoreError>;

    /// The account of a subject of an outside issuer; made at the first call, the same one ever after.
    async fn provision(&self, issuer: String, subject: String, at: Timestamp) -> Result<User, StoreError>;

    /// One account.
    async fn find(&self, user: UserId) -> Result<Option<User>, StoreError>;

    /// Changes an account; `None` where there is none.
    async fn change(&self, user: UserId, change: UserChange) -> Result<Option<User>, StoreError>;
}
