//! Personas, and what a caller can do with the conversations that are held with them (contract S4).

mod error;
mod keep;
mod talk;

use std::sync::Arc;

use domain::{ModelName, RequestOptions};
use ports::{Clock, MessageStore, PersonaStore};

pub use error::PersonasError;
pub use keep::PersonaRequest;

use crate::{Conversations, Tasks, Turns};

/// Personas. Cheap to clone.
#[derive(Clone)]
pub struct Personas {
    store: Arc<dyn PersonaStore>,
    messages: Arc<dyn MessageStore>,
    conversations: Conversations,
    turns: Turns,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    settings: Arc<PersonaSettings>,
}

/// What [`Personas`] works with.
pub struct PersonasSetup {
    /// The personas.
    pub store: Arc<dyn PersonaStore>,
    /// Single messages.
    pub messages: Arc<dyn MessageStore>,
    /// The conversations.
    pub conversations: Conversations,
    /// The turns.
    pub turns: Turns,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where writes run.
    pub tasks: Tasks,
    /// How personas write.
    pub settings: PersonaSettings,
}

/// How personas write; for messages of contract S4 only.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaSettings {
    /// The model where the conversation names none.
    pub default_model: ModelName,
    /// How the model is to write.
    pub options: Arc<RequestOptions>,
    /// How many messages of history they are given.
    pub history_limit: usize,
}

impl Personas {
    /// Personas in these stores.
    #[must_use]
    pub fn new(setup: PersonasSetup) -> Self {
        let PersonasSetup { store, messages, conversations, turns, clock, tasks, settings } = setup;
        Self { store, messages, conversations, turns, clock, tasks, settings: Arc::new(settings) }
    }
}
