//! Reads and changes conversations and their messages.

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, Label, Message, MessageKey,
    MessagePage, NewConversation, Page, PersonaId, ProjectId, Seq, ShownModel, Timestamp, TurnId, UserId,
};

use crate::StoreError;

/// The result of a lookup of something that must belong to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access<T> {
    /// It belongs to the caller.
    Granted(T),
    /// It belongs to another user.
    Foreign,
    /// It does not exist, or is deleted.
    Absent,
}

impl<T> Access<T> {
    /// The access of a caller to a thing that was looked for, and found with its owner.
    pub fn of(caller: UserId, found: Option<(UserId, T)>) -> Self {
        match found {
            Some((owner, thing)) if owner == caller => Self::Granted(thing),
            Some(_) => Self::Foreign,
            None => Self::Absent,
        }
    }

    /// Returns the value if access was granted.
    pub fn granted(self) -> Option<T> {
        match self {
            Self::Granted(thing) => Some(thing),
            Self::Foreign | Self::Absent => None,
        }
    }

    /// Returns the value, or the error for one that belongs to another user or does not exist.
    ///
    /// # Errors
    /// `foreign` or `absent`, if access was not granted.
    pub fn or<E>(self, foreign: E, absent: E) -> Result<T, E> {
        match self {
            Self::Granted(thing) => Ok(thing),
            Self::Foreign => Err(foreign),
            Self::Absent => Err(absent),
        }
    }

    /// Converts the value, if access was granted.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Access<U> {
        match self {
            Self::Granted(thing) => Access::Granted(make(thing)),
            Self::Foreign => Access::Foreign,
            Self::Absent => Access::Absent,
        }
    }

    /// The same access to something that is made of the thing, where that does not fail.
    ///
    /// # Errors
    /// That of `make`.
    pub fn try_map<U, E>(self, make: impl FnOnce(T) -> Result<U, E>) -> Result<Access<U>, E> {
        Ok(match self {
            Self::Granted(thing) => Access::Granted(make(thing)?),
            Self::Foreign => Access::Foreign,
            Self::Absent => Access::Absent,
        })
    }
}

/// Selects conversations of the caller. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationFilter {
    /// Only those with this label.
    pub label: Option<Label>,
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those with this persona.
    pub persona: Option<PersonaId>,
    /// Only those with a persona.
    pub any_persona: bool,
    /// Only those that show this model.
    pub model: Option<ShownModel>,
    /// Only those created at this time or later.
    pub created_from: Option<Timestamp>,
    /// Only those created before this time.
    pub created_before: Option<Timestamp>,
}

/// What is read of a page of messages at once: at most [`LIST_ROWS`](domain::limits::LIST_ROWS) rows, with at most
/// [`BATCH_BYTES`](domain::limits::BATCH_BYTES) of stored parts. The first row is read whatever its size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageBatch {
    /// The messages. A row that cannot be read is left out, so there may be none although there are more to come.
    pub messages: Vec<Message>,
    /// The rest of the page that was asked for; `None` after its end.
    pub rest: Option<MessagePage>,
    /// Whether there are messages beyond a page with a limit, on the side of its end.
    pub has_more: bool,
}

/// The end of a page of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastPage {
    /// The last messages, as a page without a limit.
    pub page: MessagePage,
    /// Whether there are messages before them, within the page that was asked for.
    pub has_more: bool,
}

/// Messages of several conversations, bounded like a [`MessageBatch`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessagesOfSeveral {
    /// The messages. Those of a conversation come together.
    pub messages: Vec<Message>,
    /// Where they break off: all messages up to this position of this conversation were read, and all of the
    /// conversations that were named before it. `None` if nothing is missing.
    pub cut: Option<(ConversationId, Seq)>,
}

/// A conversation that was deleted for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The conversation.
    pub id: ConversationId,
    /// The turn that was running in it, which the caller must stop.
    pub running: Option<TurnId>,
}

/// The conversations of a user.
///
/// Every method checks the owner in the query itself. Deleted conversations are absent for all methods except
/// [`restore`](ConversationStore::restore) and [`purge`](ConversationStore::purge).
///
/// A row that cannot be read is left out of lists and pages, with an error in the log, so that it does not hide the
/// others. Where it is the one thing that was asked for, the answer is [`StoreError::Corrupt`].
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// Creates a conversation without messages.
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError>;

    /// Finds a conversation.
    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError>;

    /// Lists conversations, the last updated first (then by id, newest first).
    async fn list(
        &self,
        caller: UserId,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, StoreError>;

    /// Counts conversations.
    async fn count(&self, caller: UserId, filter: ConversationFilter) -> Result<u64, StoreError>;

    /// Lists the first messages of a page of the active path, without deleted ones.
    async fn messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<MessageBatch>, StoreError>;

    /// Finds the end of a page: as many messages as its limit says, counted from the end of the order, after `skip`
    /// messages there.
    async fn last_page(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
        skip: u32,
    ) -> Result<Access<LastPage>, StoreError>;

    /// Finds the position of a message in a conversation, also of one that is deleted or not on the active path. `None`
    /// if it is not a message of this conversation.
    async fn position(
        &self,
        caller: UserId,
        key: ConversationKey,
        message: MessageKey,
    ) -> Result<Access<Option<Seq>>, StoreError>;

    /// Lists the messages of the active paths of several conversations, without deleted ones: the conversations in this
    /// order, then by position. Conversations that are not the caller's are left out.
    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<MessagesOfSeveral, StoreError>;

    /// Changes a conversation. Metadata keys are set at the top level; a key that is set to `null` is stored as `null`.
    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError>;

    /// Hides a conversation, which counts as an update. A running turn continues.
    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError>;

    /// Restores a hidden conversation. One that is not hidden is absent.
    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError>;

    /// Deletes a conversation for good, hidden or not, with its messages, turns and chunks. The ledger stays.
    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError>;
}
