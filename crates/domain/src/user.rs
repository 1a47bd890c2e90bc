//! Users and callers.

use crate::{Timestamp, UserId};

/// What a user pays for; rate limits hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tier {
    /// The default.
    #[default]
    Free,
    /// The middle one.
    Pro,
    /// The highest one.
    Enterprise,
}

impl Tier {
    /// Reads a tier's name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "free" => Some(Self::Free),
            "pro" => Some(Self::Pro),
            "enterprise" => Some(Self::Enterprise),
            _ => None,
        }
    }

    /// The tier's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

/// An account: registered here, or provisioned for a subject of an outside issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// In lower case; outside subjects have none.
    pub email: Option<String>,
    /// The name to sign in with; outside subjects have none.
    pub username: Option<String>,
    /// As the user wrote it.
    pub full_name: Option<String>,
    /// What the user pays for.
    pub tier: Tier,
    /// A suspended user cannot call anything.
    pub active: bool,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// An account to be made by registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// In lower case.
    pub email: Option<String>,
    /// The name to sign in with.
    pub username: String,
    /// As the user wrote it.
    pub full_name: Option<String>,
    /// The hash of the password, in PHC form; `None` for accounts that only ever use tokens.
    pub password_hash: Option<String>,
    /// When the account is made.
    pub at: Timestamp,
}

/// Who is asking: identity comes from the token alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// What the account pays for.
    pub tier: Tier,
    /// The token's claim `application_id`, where it is an integer.
    pub application: Option<i64>,
}
