//! Rows of `users`.

use domain::{Tier, User, UserId};

use crate::enums::unknown;
use crate::{StoredError, StoredTime};

/// A row of `users`; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct UserColumns<T> {
    pub id: i64,
    pub email: Option<String>,
    pub username: Option<String>,
    pub full_name: Option<String>,
    pub tier: String,
    pub active: bool,
    pub created_at: T,
}

impl<T: StoredTime> TryFrom<UserColumns<T>> for User {
    type Error = StoredError;

    fn try_from(row: UserColumns<T>) -> Result<Self, StoredError> {
        Ok(Self {
            id: UserId(row.id),
            email: row.email,
            username: row.username,
            full_name: row.full_name,
            tier: Tier::parse(&row.tier).ok_or_else(|| unknown("tier", &row.tier))?,
            active: row.active,
            created_at: row.created_at.instant()?,
        })
    }
}
