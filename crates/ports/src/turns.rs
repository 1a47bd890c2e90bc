//! Turns: `begin` stores the question, `finish` stores the reply.

use std::time::Duration;

use async_trait::async_trait;
use domain::usage::estimate_tokens;
use domain::{
    Contract, Conversation, ConversationChange, ConversationId, ConversationKey, Ending, LedgerEntry,
    MessageId, MessageNumber, ModelName, NewConversation, NewMessage, Persona, Reply, RunnerId, Seq,
    Timestamp, Title, TurnId, Usage, UserId, WindowMessage,
};

use crate::StoreError;

/// A turn to begin: appends its messages and locks the conversation, in one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The user who makes the request.
    pub caller: UserId,
    /// The conversation.
    pub target: Target,
    /// Where the new messages branch off; `None` appends them to the end of the active path.
    pub branch: Option<Branch>,
    /// The messages to append, oldest first; the last one is the question. Empty only for a branch that ends with a
    /// stored question, which is answered again.
    pub messages: Vec<NewMessage>,
    /// The id of the turn.
    pub turn: TurnId,
    /// The process that will run it.
    pub runner: RunnerId,
    /// The contract of the request.
    pub contract: Contract,
    /// The model for this turn; if `None`, the conversation's own model, else `default_model`.
    pub model: Option<ModelName>,
    /// The default model of the contract.
    pub default_model: ModelName,
    /// Becomes the conversation's own model if it has none.
    pub own_model: Option<ModelName>,
    /// The current time.
    pub at: Timestamp,
}

/// The conversation of a new turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// An existing conversation.
    Existing {
        /// Any form of its id.
        key: ConversationKey,
        /// Treats a conversation without a persona as absent, also that of another user (contract S4).
        only_with_persona: bool,
    },
    /// A conversation that is created with the turn.
    New(Box<NewConversation>),
}

impl Target {
    /// Any existing conversation.
    pub fn existing(key: impl Into<ConversationKey>) -> Self {
        Self::Existing { key: key.into(), only_with_persona: false }
    }
}

/// Replaces the end of the active path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The `last_seq` that the caller has seen. If the conversation has another one, the result is `Moved`.
    pub expect_last: Seq,
    /// The position of the last message that stays on the active path; 0 keeps none. Later ones become inactive.
    pub keep_to: Seq,
}

/// A turn that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The conversation. `last_seq` includes the new messages, and this turn is running.
    pub conversation: Conversation,
    /// The persona of the conversation, if any.
    pub persona: Option<Persona>,
    /// The position of the question: the last message before the reply.
    pub question: Seq,
    /// The rows of the new messages, in their order.
    pub appended: Vec<AppendedMessage>,
    /// The model of the turn: the one named for it, else the conversation's own, else the default.
    pub model: ModelName,
    /// The newest messages before the question's own, oldest first.
    pub window: Window,
    /// Whether the conversation has files, which [`FileStore::texts`](crate::FileStore::texts) reads.
    pub has_files: bool,
}

/// A message that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedMessage {
    /// Its id.
    pub id: MessageId,
    /// Its position.
    pub seq: Seq,
    /// Its number; `None` for a message that is stored elsewhere.
    pub number: Option<MessageNumber>,
}

/// A page of the active path, oldest first, without deleted messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// The messages.
    pub messages: Vec<WindowMessage>,
    /// Whether there are older ones.
    pub has_older: bool,
}

/// A turn could not begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The conversation does not exist, or is deleted.
    #[error("there is no such conversation")]
    NotFound,
    /// The conversation belongs to another user.
    #[error("the conversation belongs to another user")]
    Foreign,
    /// Another turn is running in the conversation.
    #[error("a turn is running in the conversation")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The conversation is no longer as the branch expects it.
    #[error("the conversation has moved on")]
    Moved,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Deltas to store before the turn ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The turn.
    pub turn: TurnId,
    /// The number of deltas that are already stored.
    pub first: u32,
    /// The new deltas.
    pub deltas: Reply,
}

/// Requests of other processes about the turns of this process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Turns that a user asked another process to stop.
    pub stop: Vec<TurnId>,
    /// Turns that this process may no longer write, because they were deleted or another process ended them.
    pub lost: Vec<TurnId>,
}

/// A turn to end: stores the reply, adds to the totals and unlocks the conversation, in one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The turn.
    pub turn: TurnId,
    /// The process that ran it.
    pub runner: RunnerId,
    /// The conversation that it ran in.
    pub conversation: ConversationId,
    /// How it ended; `ending.reply` is not read. It is stored as [`Ending::storable`] makes it.
    pub ending: Ending,
    /// The reply and the id of its message, which is stored only if the reply has content.
    pub reply: Option<(MessageId, Reply)>,
    /// A title, which is set only if the conversation has none.
    pub title: Option<Title>,
    /// The model call, if one was made.
    pub ledger: Option<LedgerEntry>,
}

impl Finish {
    /// Ends a turn of a process that is dead, with the text that it had kept. Its usage is estimated from that text.
    #[must_use]
    pub fn interrupted(
        turn: TurnId,
        runner: RunnerId,
        conversation: ConversationId,
        kept: Reply,
        at: Timestamp,
    ) -> Self {
        let output = estimate_tokens(kept.bytes());
        let usage = Usage { output: output.into(), estimated: true, ..Usage::default() };
        // A turn has one reply at most, so its own id can name it.
        let reply = Some((MessageId(turn.0), kept));
        Self { reply, ..Self::without_reply(turn, runner, conversation, Ending::interrupted(usage, at)) }
    }

    /// Ends a turn that made neither a reply nor a model call.
    #[must_use]
    pub fn without_reply(
        turn: TurnId,
        runner: RunnerId,
        conversation: ConversationId,
        ending: Ending,
    ) -> Self {
        Self { turn, runner, conversation, ending, reply: None, title: None, ledger: None }
    }
}

/// The result of ending a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// It has ended, by this call or by an earlier identical one.
    Done {
        /// How it ended, with the stored reply.
        ending: Ending,
        /// The fields of the conversation that may have changed; `None` if what is stored of them cannot be read, which
        /// the adapter logs.
        change: Option<Box<ConversationChange>>,
    },
    /// The turn no longer belongs to this process.
    Lost,
}

/// A stored turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// The turn.
    pub turn: TurnId,
    /// The conversation that it runs or ran in.
    pub conversation: ConversationId,
    /// Its deltas; for a running turn, those stored so far.
    pub reply: Reply,
    /// How it ended; `None` while it is running.
    pub ending: Option<Ending>,
}

/// The result of a request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// This running turn was asked to stop.
    Asked(TurnId),
    /// No turn is running.
    Idle,
    /// The caller has no such conversation.
    NotFound,
}

/// Turns.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TurnStore: Send + Sync {
    /// Appends the messages and begins a turn, if the caller owns the conversation and no other turn is running in it.
    /// A running turn whose process is dead is first ended as interrupted. A turn that creates its conversation cannot
    /// be refused. If the conversation's row or a message of its window cannot be read, the begin fails with
    /// [`StoreError::Corrupt`] and no turn is left open: a model must not answer to half a history. The messages may have
    /// been stored by then.
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError>;

    /// Reads older messages of the active path: the newest ones before `before`, oldest first. A message that cannot be
    /// read is [`StoreError::Corrupt`], as in a begin.
    async fn earlier(&self, conversation: ConversationId, before: Seq) -> Result<Window, StoreError>;

    /// Stores new deltas of the turns of this process, and returns what other processes ask for. A chunk that is already
    /// stored is ignored.
    async fn checkpoint(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, StoreError>;

    /// Ends a turn. Repeating the call returns the same result.
    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError>;

    /// Asks the process that runs the conversation's turn to stop it.
    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError>;

    /// Finds a turn of the caller; `None` if there is none, or its conversation is deleted.
    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError>;
}

/// The processes that run turns. Each process holds a lease, by the clock of the store; each turn names its process.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RunnerStore: Send + Sync {
    /// Registers a process, or renews its lease.
    async fn renew(&self, runner: RunnerId) -> Result<(), StoreError>;

    /// Holds a lock that the store gives back when the process ends in any way, and takes it again whenever it is lost. So
    /// others need not wait for the lease of a killed process to expire. Goes on until it is dropped; returns at once where
    /// only one process can use the store. Where the lock cannot be had, the lease alone shows that the process is alive.
    async fn hold_lock(&self, runner: RunnerId);

    /// Ends the turns of dead processes as interrupted, with their partial text. A process is dead 20 s after its last
    /// renewal; where only one process can use the store, every other process is. Returns the number of turns.
    async fn reap(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError>;

    /// Like [`reap`](Self::reap), for processes that are dead because their lock was found free twice, a second apart, and
    /// they have not renewed their lease in between. Each call is one look.
    async fn reap_unlocked(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError>;

    /// Removes a process that shuts down and runs no turn any more.
    async fn retire(&self, runner: RunnerId) -> Result<(), StoreError>;
}
