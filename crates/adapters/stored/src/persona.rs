//! Rows of `personas`.

use domain::{Persona, PersonaId, Relation, UserId};
use ports::{Access, PersonaRecord};

use crate::{StoredError, StoredTime};

/// A row of `personas`; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct PersonaColumns<T> {
    pub id: i64,
    pub user_id: i64,
    pub name: String,
    pub description: Option<String>,
    pub relation_type: String,
    pub created_at: T,
    pub updated_at: T,
}

impl<T: StoredTime> PersonaColumns<T> {
    /// The access of a caller to a persona that was looked for.
    ///
    /// # Errors
    /// [`StoredError`] if the caller has access and the row cannot be read.
    pub fn access(row: Option<Self>, caller: UserId) -> Result<Access<PersonaRecord>, StoredError> {
        let access = Access::of(caller, row.map(|row| (UserId(row.user_id), row)));
        access.try_map(PersonaRecord::try_from)
    }
}

impl<T: StoredTime> TryFrom<PersonaColumns<T>> for PersonaRecord {
    type Error = StoredError;

    fn try_from(row: PersonaColumns<T>) -> Result<Self, StoredError> {
        let PersonaColumns { id, user_id, name, description, relation_type, created_at, updated_at } = row;
        let relation = Relation::from_stored(&relation_type);
        Ok(Self {
            persona: Persona { id: PersonaId(id), name, description, relation },
            owner: UserId(user_id),
            created_at: created_at.instant()?,
            updated_at: updated_at.instant()?,
        })
    }
}
