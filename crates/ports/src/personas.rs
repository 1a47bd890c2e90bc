//! Personas.

use async_trait::async_trait;
use domain::{ConversationKey, Page, Persona, PersonaId, Relation, Timestamp, TurnId, UserId};

use crate::{Access, StoreError};

/// A persona as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaRecord {
    /// What the model is told about it.
    pub persona: Persona,
    /// Whose it is.
    pub owner: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A persona to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPersona {
    /// Whose it is.
    pub owner: UserId,
    /// Its name.
    pub name: String,
    /// What it is like.
    pub description: Option<String>,
    /// How it stands to the user.
    pub relation: Relation,
    /// When it is made.
    pub at: Timestamp,
}

/// What a caller changes of a persona; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonaPatch {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another relation.
    pub relation: Option<Relation>,
}

/// What a user's conversations with personas add up to; deleted ones are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonaChatTotals {
    /// How many conversations.
    pub conversations: u64,
    /// How many messages, deleted ones left out.
    pub messages: u64,
    /// Their tokens, input and output together, those of deleted messages included.
    pub tokens: u64,
}

/// The personas of a user. The owner is checked in the query itself.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PersonaStore: Send + Sync {
    /// Makes a persona.
    async fn create(&self, new: NewPersona) -> Result<PersonaRecord, StoreError>;

    /// One persona.
    async fn find(&self, caller: UserId, id: PersonaId) -> Result<Access<PersonaRecord>, StoreError>;

    /// The caller's personas, newest update first (then by id, newest first).
    async fn list(&self, caller: UserId, page: Page) -> Result<Vec<PersonaRecord>, StoreError>;

    /// Changes a persona.
    async fn update(
        &self,
        caller: UserId,
        id: PersonaId,
        patch: PersonaPatch,
        at: Timestamp,
    ) -> Result<Access<PersonaRecord>, StoreError>;

    /// Takes a persona away with all its conversations. Answers the turns that ran in them, which are to be stopped.
    async fn delete(&self, caller: UserId, id: PersonaId) -> Result<Access<Vec<TurnId>>, StoreError>;

    /// Whether this conversation, whosever it is, is held with a persona; a deleted one is not.
    async fn has_persona(&self, key: ConversationKey) -> Result<bool, StoreError>;

    /// What the caller's conversations with personas add up to.
    async fn totals(&self, caller: UserId) -> Result<PersonaChatTotals, StoreError>;
}
