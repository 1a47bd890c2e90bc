//! Personas.

use async_trait::async_trait;
use domain::{ConversationKey, Page, Persona, PersonaId, Relation, Timestamp, TurnId, UserId};

use crate::{Access, StoreError};

/// A stored persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaRecord {
    /// The persona.
    pub persona: Persona,
    /// The user that it belongs to.
    pub owner: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A persona to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPersona {
    /// The user that it belongs to.
    pub owner: UserId,
    /// The name.
    pub name: String,
    /// A description of its character, if any.
    pub description: Option<String>,
    /// Its relation to the user.
    pub relation: Relation,
    /// The time of creation.
    pub at: Timestamp,
}

/// Changes to a persona; fields that are `None` stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonaPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new relation.
    pub relation: Option<Relation>,
}

/// The totals of a user's conversations with personas, without deleted ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonaChatTotals {
    /// The number of conversations.
    pub conversations: u64,
    /// The number of messages, without deleted ones.
    pub messages: u64,
    /// The input and output tokens together, including those of deleted messages.
    pub tokens: u64,
}

/// Personas. Every method checks the owner in the query itself.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PersonaStore: Send + Sync {
    /// Creates a persona.
    async fn create(&self, new: NewPersona) -> Result<PersonaRecord, StoreError>;

    /// Finds a persona.
    async fn find(&self, caller: UserId, id: PersonaId) -> Result<Access<PersonaRecord>, StoreError>;

    /// Lists the caller's personas, the last updated first (then by id, newest first).
    async fn list(&self, caller: UserId, page: Page) -> Result<Vec<PersonaRecord>, StoreError>;

    /// Changes a persona.
    async fn update(
        &self,
        caller: UserId,
        id: PersonaId,
        patch: PersonaPatch,
        at: Timestamp,
    ) -> Result<Access<PersonaRecord>, StoreError>;

    /// Deletes a persona with all its conversations. Returns the turns that were running in them, which the caller must
    /// stop.
    async fn delete(&self, caller: UserId, id: PersonaId) -> Result<Access<Vec<TurnId>>, StoreError>;

    /// Whether a conversation of any user has a persona. `false` for a deleted one.
    async fn has_persona(&self, key: ConversationKey) -> Result<bool, StoreError>;

    /// Returns the totals of the caller's conversations with personas.
    async fn totals(&self, caller: UserId) -> Result<PersonaChatTotals, StoreError>;
}
