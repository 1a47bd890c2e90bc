//! Turns: the heart of the store. `begin` keeps the question, `finish` keeps the reply.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Contract, Conversation, ConversationChange, ConversationId, ConversationKey, Ending, LedgerEntry,
    MessageId, MessageNumber, ModelName, NewConversation, NewMessage, Persona, Reply, RunnerId, Seq,
    Timestamp, Title, TurnId, UserId, WindowMessage,
};

use crate::StoreError;

/// Opens a turn: appends its messages and locks the conversation for it, in one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// The user who asks.
    pub caller: UserId,
    /// The conversation that it is asked in.
    pub target: Target,
    /// Where the new messages branch off; `None` appends them to the end of the active path.
    pub branch: Option<Branch>,
    /// The messages to append, oldest first; the last one is the question. Empty only for a branch that ends in a
    /// stored question, which is answered anew.
    pub messages: Vec<NewMessage>,
    /// The turn's id.
    pub turn: TurnId,
    /// The process that will run it.
    pub runner: RunnerId,
    /// The contract that the request came in by.
    pub contract: Contract,
    /// The model named for this turn; `None` is the conversation's own, else `default_model`.
    pub model: Option<ModelName>,
    /// The serving contract's default.
    pub default_model: ModelName,
    /// Becomes the conversation's own model where it has none yet.
    pub own_model: Option<ModelName>,
    /// Now.
    pub at: Timestamp,
}

/// The conversation that a turn is begun in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One that exists.
    Existing {
        /// Any form of its id.
        key: ConversationKey,
        /// A conversation without a persona counts as absent, also somebody else's (contract S4).
        only_with_persona: bool,
    },
    /// One that is made with the turn.
    New(Box<NewConversation>),
}

impl Target {
    /// Any conversation that exists.
    pub fn existing(key: impl Into<ConversationKey>) -> Self {
        Self::Existing { key: key.into(), only_with_persona: false }
    }
}

/// Replaces the end of the active path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The conversation's `last_seq` as the caller saw it; otherwise the begin is refused as `Moved`.
    pub expect_last: Seq,
    /// The last message that stays on the active path; 0 keeps none. Later ones stay in the tree, inactive.
    pub keep_to: Seq,
}

/// An open turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The conversation, with the new messages counted in `last_seq` and this turn running.
    pub conversation: Conversation,
    /// The persona of the conversation, if any.
    pub persona: Option<Persona>,
    /// The position of the question: the last message before the reply.
    pub question: Seq,
    /// The rows of the new messages, in their order.
    pub appended: Vec<AppendedMessage>,
    /// The model that the turn asks: named for it, else the conversation's own, else the default.
    pub model: ModelName,
    /// The newest messages before the question's own, oldest first.
    pub window: Window,
    /// Whether the conversation was given files, which [`FileStore::texts`](crate::FileStore::texts) reads.
    pub has_files: bool,
}

/// The row of a message that was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendedMessage {
    /// Its id.
    pub id: MessageId,
    /// Its position.
    pub seq: Seq,
    /// Its number; messages that live elsewhere have none.
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

/// Why a turn was not opened.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// There is no such conversation, or it is deleted.
    #[error("there is no such conversation")]
    NotFound,
    /// It is somebody else's.
    #[error("the conversation is somebody else's")]
    Foreign,
    /// A turn runs in it.
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

/// Deltas to keep before the turn ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The turn.
    pub turn: TurnId,
    /// The number of deltas kept before.
    pub first: u32,
    /// The new deltas.
    pub deltas: Reply,
}

/// What the store knows of the turns that a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signals {
    /// Somebody asked, by another process, to stop these.
    pub stop: Vec<TurnId>,
    /// These are no longer the process's to write: purged, or ended by another one.
    pub lost: Vec<TurnId>,
}

/// Closes a turn: keeps the reply, adds to the totals, unlocks the conversation, in one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// The turn.
    pub turn: TurnId,
    /// The process that ran it.
    pub runner: RunnerId,
    /// The conversation it ran in.
    pub conversation: ConversationId,
    /// How it ended; `ending.reply` is not read.
    pub ending: Ending,
    /// The reply, with the id of its row; a row is made only where it says something.
    pub reply: Option<(MessageId, Reply)>,
    /// A title for a conversation that has none by now.
    pub title: Option<Title>,
    /// The model call, if one was made.
    pub ledger: Option<LedgerEntry>,
}

/// What came of closing a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// It is closed, by this call or by an earlier one with the same words.
    Done {
        /// How it ended, as stored: with the reply's row.
        ending: Ending,
        /// The conversation after it, as far as it may have changed.
        change: Box<ConversationChange>,
    },
    /// The turn is not this process's any more.
    Lost,
}

/// A turn as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnRecord {
    /// The turn.
    pub turn: TurnId,
    /// The conversation that it runs or ran in.
    pub conversation: ConversationId,
    /// Its deltas; for a running turn those kept so far.
    pub reply: Reply,
    /// How it ended; `None` while it runs.
    pub ending: Option<Ending>,
}

/// What came of asking to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// This turn runs and has been told.
    Asked(TurnId),
    /// Nothing runs.
    Idle,
    /// There is no such conversation of the caller's.
    NotFound,
}

/// Turns.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TurnStore: Send + Sync {
    /// Appends the question and opens a turn, if the caller owns the conversation and no other turn runs in it.
    /// A turn whose process is dead is ended as interrupted first. A conversation that is made with the turn cannot
    /// be refused.
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError>;

    /// Older messages of the active path, for a planner with room left: the newest ones before `before`, oldest first.
    async fn earlier(&self, conversation: ConversationId, before: Seq) -> Result<Window, StoreError>;

    /// Keeps new deltas of the turns that this process runs, and answers what others did to them.
    /// A chunk that was kept already is passed over.
    async fn checkpoint(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, StoreError>;

    /// Appends the reply, closes the turn and adds its usage to the totals. Repeating it answers the same.
    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError>;

    /// Asks whichever process runs the conversation's turn to stop it.
    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError>;

    /// A turn of the caller's; `None` where there is none, or its conversation is deleted.
    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError>;
}

/// The processes that run turns. Processes hold leases, by the store's clock; turns name their process.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RunnerStore: Send + Sync {
    /// Makes the process known, or renews its lease.
    async fn renew(&self, runner: RunnerId) -> Result<(), StoreError>;

    /// Ends, as interrupted and with their partial text, the turns of processes that are dead: 20 s without a
    /// renewal. Where only one process can use the store, all turns of other processes. Answers how many.
    async fn reap(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError>;

    /// Forgets a process that ends in order; it runs no turn any more.
    async fn retire(&self, runner: RunnerId) -> Result<(), StoreError>;
}
