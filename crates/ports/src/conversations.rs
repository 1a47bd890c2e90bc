//! Conversations and their messages, as they are read and edited.

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, Label, Message, MessagePage, ModelName,
    NewConversation, Page, PersonaId, ProjectId, Timestamp, TurnId, UserId,
};

use crate::StoreError;

/// What came of looking for something of the caller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<T> {
    /// Here it is.
    Granted(T),
    /// It exists, and is somebody else's.
    Foreign,
    /// There is none, or it is deleted.
    Absent,
}

impl<T> Access<T> {
    /// The thing, where access was granted.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(thing) => Some(thing),
            Self::Foreign | Self::Absent => None,
        }
    }

    /// The thing, or the error for what is somebody else's, or for what is not there.
    ///
    /// # Errors
    /// `foreign` or `absent`, where access was not granted.
    pub fn or<E>(self, foreign: E, absent: E) -> Result<T, E> {
        match self {
            Self::Granted(thing) => Ok(thing),
            Self::Foreign => Err(foreign),
            Self::Absent => Err(absent),
        }
    }

    /// The same access to something made of the thing.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Access<U> {
        match self {
            Self::Granted(thing) => Access::Granted(make(thing)),
            Self::Foreign => Access::Foreign,
            Self::Absent => Access::Absent,
        }
    }
}

/// Which of the caller's conversations; all conditions hold together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// With this label.
    pub label: Option<Label>,
    /// Of this project.
    pub project: Option<ProjectId>,
    /// With this persona.
    pub persona: Option<PersonaId>,
    /// With any persona.
    pub any_persona: bool,
    /// Whose shown model is this one: its own, else its last reply's.
    pub model: Option<ModelName>,
    /// Begun at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Begun before this instant.
    pub created_before: Option<Timestamp>,
}

/// What a purge took away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The conversation.
    pub id: ConversationId,
    /// The turn that ran in it, which is to be stopped.
    pub running: Option<TurnId>,
}

/// The conversations of a user.
///
/// Every method checks the owner in the query itself. Deleted conversations are absent for all methods but
/// [`restore`](ConversationStore::restore) and [`purge`](ConversationStore::purge).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// Makes a conversation without messages.
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError>;

    /// One conversation.
    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError>;

    /// Conversations, newest update first (then by id, newest first).
    async fn list(
        &self,
        caller: UserId,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, StoreError>;

    /// How many conversations match.
    async fn count(&self, caller: UserId, filter: ConversationFilter) -> Result<u64, StoreError>;

    /// Messages along the active path, without deleted ones. The page counts from the start of its order.
    async fn messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<Vec<Message>>, StoreError>;

    /// All messages along the active paths of these conversations of the caller's, by conversation and place.
    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<Vec<Message>, StoreError>;

    /// Changes a conversation. Metadata keys are set at the top level; a key set to `null` holds `null`.
    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError>;

    /// Hides a conversation. A running turn goes on.
    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError>;

    /// Brings a hidden conversation back; one that is not hidden is absent.
    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError>;

    /// Takes a conversation away for good, hidden or not: messages, turns, chunks. The ledger stays.
    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError>;
}
