//! The stores that a suite is run on.

use std::sync::Arc;

use domain::{ConversationId, MessageId, PromptId, RunnerId, TurnId, UserId};
use futures_util::future::BoxFuture;
use ports::{
    ConversationStore, FileStore, Ledger, MessageStore, PersonaStore, PromptStore, RunnerStore, TurnEvents,
    TurnStore, UserStore,
};

/// Inserts a prompt by SQL, as an operator does: its owner, if any, its title and its content. Returns its id.
pub type InsertPrompt =
    Arc<dyn Fn(Option<UserId>, &'static str, &'static str) -> BoxFuture<'static, PromptId> + Send + Sync>;

/// Makes the lease of a process so old that the process counts as dead.
pub type KillRunner = Arc<dyn Fn(RunnerId) -> BoxFuture<'static, ()> + Send + Sync>;

/// Writes into a row what no version of this program can read.
pub type Damage = Arc<dyn Fn(DamagedRow) -> BoxFuture<'static, ()> + Send + Sync>;

/// A row to be made unreadable.
#[derive(Debug, Clone, Copy)]
pub enum DamagedRow {
    /// The parts of a message.
    Message(MessageId),
    /// The label of a conversation: it becomes empty.
    Conversation(ConversationId),
    /// The title of a conversation, which the end of a turn returns: it becomes empty.
    Title(ConversationId),
    /// The parts of a chunk of a running turn.
    Chunk {
        /// The turn.
        turn: TurnId,
        /// The number of deltas before the chunk.
        first: u32,
    },
}

/// The stores of one fresh database. What must live as long as they do can be held by `kill_runner`.
pub struct Stores {
    /// Conversations.
    pub conversations: Arc<dyn ConversationStore>,
    /// Turns.
    pub turns: Arc<dyn TurnStore>,
    /// What is new of turns, as another process learns of it where there can be one.
    pub events: Arc<dyn TurnEvents>,
    /// Processes.
    pub runners: Arc<dyn RunnerStore>,
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Personas.
    pub personas: Arc<dyn PersonaStore>,
    /// Prompts.
    pub prompts: Arc<dyn PromptStore>,
    /// Single messages.
    pub messages: Arc<dyn MessageStore>,
    /// Files.
    pub files: Arc<dyn FileStore>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Makes a process count as dead.
    pub kill_runner: KillRunner,
    /// Makes a row unreadable.
    pub damage: Damage,
    /// Inserts a prompt as an operator does.
    pub insert_prompt: InsertPrompt,
    /// The same turns as another process uses them, over connections of its own; `None` where only one process can use
    /// the store.
    pub elsewhere: Option<Arc<dyn TurnStore>>,
}

impl Stores {
    /// The turns as another process uses them, where there can be one.
    pub(super) fn turns_elsewhere(&self) -> Arc<dyn TurnStore> {
        Arc::clone(self.elsewhere.as_ref().unwrap_or(&self.turns))
    }
}
