//! Personas, and conversations with personas (contract S4).

mod conversations;
mod error;
mod records;

use std::sync::Arc;

use domain::{ModelName, RequestOptions};
use ports::{Clock, MessageStore, PersonaStore};

pub use error::PersonasError;
pub use records::PersonaRequest;

use crate::{Conversations, Tasks, Turns};

/// Personas. Cheap to clone.
#[derive(Clone)]
pub struct Personas {
    setup: PersonasSetup,
}

/// The dependencies of [`Personas`].
#[derive(Clone)]
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
    /// The tasks that writes run in.
    pub tasks: Tasks,
    /// The settings of messages to personas.
    pub settings: PersonaSettings,
}

/// The settings of messages to personas.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaSettings {
    /// The default model.
    pub default_model: ModelName,
    /// The options of the model.
    pub options: Arc<RequestOptions>,
    /// The most messages of history in a request.
    pub history_limit: usize,
}

impl Personas {
    /// Creates the service.
    #[must_use]
    pub fn new(setup: PersonasSetup) -> Self {
        Self { setup }
    }
}
