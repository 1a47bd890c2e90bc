//! User accounts.

use async_trait::async_trait;
use domain::{NewUser, Tier, Timestamp, User, UserId};

use crate::StoreError;

/// An account could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The name or the email address is in use.
    #[error("the name or the email address is in use")]
    Taken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An account with the hash of its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRecord {
    /// The account.
    pub user: User,
    /// The hash of the password in PHC form; `None` for an account that only uses tokens.
    pub password_hash: Option<String>,
}

/// Changes to an account by an operator; fields that are `None` stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UserChange {
    /// A new tier.
    pub tier: Option<Tier>,
    /// `false` suspends the account, `true` activates it again.
    pub active: Option<bool>,
}

/// User accounts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Creates an account. Names and email addresses are compared by [`domain::sign_in_name`], and a name may not be the
    /// email address of another account.
    async fn register(&self, new: NewUser) -> Result<User, RegisterError>;

    /// Finds the registered account with this name or email address, in any letter case and any Unicode form.
    async fn find_for_sign_in(&self, name: String) -> Result<Option<SignInRecord>, StoreError>;

    /// Finds the account of a subject of an outside issuer, and creates it with the first call.
    async fn provision(&self, issuer: String, subject: String, at: Timestamp) -> Result<User, StoreError>;

    /// Finds an account.
    async fn find(&self, user: UserId) -> Result<Option<User>, StoreError>;

    /// Changes an account. Returns `None` if it does not exist.
    async fn change(&self, user: UserId, change: UserChange) -> Result<Option<User>, StoreError>;
}
