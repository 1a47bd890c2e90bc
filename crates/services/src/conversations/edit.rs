//! Changes conversations.

use std::sync::Arc;

use domain::{Caller, Conversation, ConversationKey, ConversationPatch};

use super::{Conversations, ConversationsError};

impl Conversations {
    /// Changes a conversation. A new model must be one that is offered.
    pub async fn patch(
        &self,
        caller: &Caller,
        key: ConversationKey,
        patch: ConversationPatch,
    ) -> Result<Conversation, ConversationsError> {
        if patch.model.as_ref().is_some_and(|model| !self.turns.offers(model)) {
            return Err(ConversationsError::ModelNotAllowed);
        }
        let (store, user, at) = (Arc::clone(&self.store), caller.user, self.clock.now());
        let patched = self.tasks.run(async move { store.patch(user, key, patch, at).await }).await?;
        ConversationsError::unless_granted(patched)
    }

    /// Restores a conversation that was deleted softly.
    ///
    /// # Errors
    /// [`ConversationsError::NotFound`] also for a conversation that is not deleted.
    pub async fn restore(
        &self,
        caller: &Caller,
        key: ConversationKey,
    ) -> Result<Conversation, ConversationsError> {
        let (store, user, at) = (Arc::clone(&self.store), caller.user, self.clock.now());
        let restored = self.tasks.run(async move { store.restore(user, key, at).await }).await?;
        ConversationsError::unless_granted(restored)
    }
}
