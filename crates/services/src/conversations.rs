//! Creates, reads, changes and deletes conversations. Messages are sent by [`Turns`].

mod create;
mod delete;
mod edit;
mod error;
mod messages;
mod read;
mod with_messages;

use std::sync::Arc;

use ports::{Clock, ConversationStore, IdSource};

pub use create::NewConversationRequest;
pub use delete::Deletion;
pub use error::ConversationsError;
pub use messages::{MessageQuery, MessageReader};
pub use with_messages::{ConversationReader, ListedPiece};

use crate::{Tasks, Turns};

/// Conversations. Cheap to clone.
#[derive(Clone)]
pub struct Conversations {
    store: Arc<dyn ConversationStore>,
    turns: Turns,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tasks: Tasks,
}

impl Conversations {
    /// Creates the service over this store and these turns.
    #[must_use]
    pub fn new(
        store: Arc<dyn ConversationStore>,
        turns: Turns,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        tasks: Tasks,
    ) -> Self {
        Self { store, turns, clock, ids, tasks }
    }
}
