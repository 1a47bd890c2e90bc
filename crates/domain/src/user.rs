//! Users and callers.

use crate::names::names;
use crate::{Timestamp, UserId};

/// The tier of a user, which decides the rate limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// The default.
    #[default]
    Free,
    /// The middle tier.
    Pro,
    /// The highest tier.
    Enterprise,
}

names!(Tier: Free => "free", Pro => "pro", Enterprise => "enterprise");

/// An account, either registered here or created for a subject of an outside issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// The email address in lower case; outside subjects have none.
    pub email: Option<String>,
    /// The name to sign in with; outside subjects have none.
    pub username: Option<String>,
    /// The full name, as the user wrote it.
    pub full_name: Option<String>,
    /// The tier.
    pub tier: Tier,
    /// Whether the user may make calls; a suspended user may not.
    pub active: bool,
    /// When the account was created.
    pub created_at: Timestamp,
}

/// An account to register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The email address in lower case.
    pub email: Option<String>,
    /// The name to sign in with.
    pub username: String,
    /// The full name, as the user wrote it.
    pub full_name: Option<String>,
    /// The hash of the password, in PHC form; `None` for an account that only uses tokens.
    pub password_hash: Option<String>,
    /// The time of creation.
    pub at: Timestamp,
}

/// The user who makes a request. The identity comes from the token alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// The tier of the account.
    pub tier: Tier,
    /// The token's claim `application_id`, if it is an integer.
    pub application: Option<i64>,
}
