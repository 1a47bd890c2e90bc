//! Deletes conversations, softly or for good.

use std::sync::Arc;

use domain::{Caller, ConversationId, ConversationKey};

use super::{Conversations, ConversationsError};

/// How a conversation is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// It is hidden, and can be restored. A running turn continues.
    Soft,
    /// It is deleted for good, also if it was hidden before. A running turn is stopped.
    Purge,
}

impl Conversations {
    /// Deletes a conversation for good, unless it is hidden: then it counts as absent.
    pub async fn delete_shown(
        &self,
        caller: &Caller,
        key: ConversationKey,
    ) -> Result<ConversationId, ConversationsError> {
        let id = self.find(caller, key).await?.id;
        self.delete(caller, id.into(), Deletion::Purge).await
    }

    /// Deletes a conversation.
    pub async fn delete(
        &self,
        caller: &Caller,
        key: ConversationKey,
        deletion: Deletion,
    ) -> Result<ConversationId, ConversationsError> {
        match deletion {
            Deletion::Soft => {
                let (store, user, at) = (Arc::clone(&self.store), caller.user, self.clock.now());
                let hidden = self.tasks.run(async move { store.soft_delete(user, key, at).await }).await?;
                ConversationsError::unless_granted(hidden)
            }
            Deletion::Purge => {
                let (store, turns, user) = (Arc::clone(&self.store), self.turns.clone(), caller.user);
                let purged = self.tasks.run(async move {
                    let purged = store.purge(user, key).await?;
                    if let ports::Access::Granted(ports::Purged { running: Some(turn), .. }) = &purged {
                        turns.stop_here(*turn).await;
                    }
                    Ok::<_, ports::StoreError>(purged)
                });
                Ok(ConversationsError::unless_granted(purged.await?)?.id)
            }
        }
    }
}
