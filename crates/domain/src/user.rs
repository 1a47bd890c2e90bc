//! Users and callers.

use crate::names::names;
use crate::text::composed;
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
    /// The email address in lower case and normalization form C; outside subjects have none.
    pub email: Option<String>,
    /// The name to sign in with, in normalization form C; outside subjects have none.
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
    /// The email address in lower case and normalization form C.
    pub email: Option<String>,
    /// The name to sign in with, in normalization form C.
    pub username: String,
    /// The full name, as the user wrote it.
    pub full_name: Option<String>,
    /// The hash of the password, in PHC form; `None` for an account that only uses tokens.
    pub password_hash: Option<String>,
    /// The time of creation.
    pub at: Timestamp,
}

/// The form in which user names and email addresses are compared: in lower case and in Unicode's normalization form C
/// (RFC 8265, section 3.3).
#[must_use]
pub fn sign_in_name(name: &str) -> String {
    // Lower case may come apart, and the context of a letter may depend on whether it is in one piece.
    composed(&composed(name).to_lowercase())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_one() {
        for (one, other) in [
            ("Zo\u{eb}", "zoe\u{308}"),
            ("ZOE\u{308}", "zo\u{eb}"),
            ("Vi\u{1ec7}t", "vi\u{ea}\u{323}t"),
            ("me@B\u{fc}cher.example", "ME@bu\u{308}cher.example"),
            ("\u{212a}elvin", "kelvin"),
        ] {
            assert_eq!(sign_in_name(one), sign_in_name(other));
        }
        assert_ne!(sign_in_name("zo\u{eb}"), sign_in_name("zoe"));
    }

    #[test]
    fn a_compared_name_stays_as_it_is() {
        for name in [
            "\u{130}stanbul",
            "\u{39f}\u{394}\u{39f}\u{3a3}",
            "\u{345}\u{391}",
            "\u{1e9e}",
            "A\u{30a}\u{323}",
        ] {
            let compared = sign_in_name(name);
            assert_eq!(sign_in_name(&compared), compared);
        }
    }
}
