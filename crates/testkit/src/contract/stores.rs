//! What a store hands to the suite.

use std::sync::Arc;

use domain::RunnerId;
use futures_util::future::BoxFuture;
use ports::{
    ConversationStore, FileStore, Ledger, MessageStore, PersonaStore, RunnerStore, TurnStore, UserStore,
};

/// Makes a process's lease so old that it counts as dead.
pub type KillRunner = Arc<dyn Fn(RunnerId) -> BoxFuture<'static, ()> + Send + Sync>;

/// The stores of one fresh database. What must live as long as they do can be held by `kill_runner`.
pub struct Stores {
    /// Conversations.
    pub conversations: Arc<dyn ConversationStore>,
    /// Turns.
    pub turns: Arc<dyn TurnStore>,
    /// Processes.
    pub runners: Arc<dyn RunnerStore>,
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Personas.
    pub personas: Arc<dyn PersonaStore>,
    /// Single messages.
    pub messages: Arc<dyn MessageStore>,
    /// Files.
    pub files: Arc<dyn FileStore>,
    /// What model calls add up to.
    pub ledger: Arc<dyn Ledger>,
    /// Makes a process dead, as the store sees it.
    pub kill_runner: KillRunner,
    /// The same turns as another process reaches them, over connections of its own; `None` where only one process can
    /// use the store.
    pub elsewhere: Option<Arc<dyn TurnStore>>,
}

impl Stores {
    /// The turns as another process reaches them, where there can be one.
    pub(super) fn turns_elsewhere(&self) -> Arc<dyn TurnStore> {
        Arc::clone(self.elsewhere.as_ref().unwrap_or(&self.turns))
    }
}
