//! Reads conversations.

use domain::{Caller, Conversation, ConversationKey, Page};
use ports::ConversationFilter;

use super::{Conversations, ConversationsError};

impl Conversations {
    /// Finds a conversation of the caller.
    pub async fn find(
        &self,
        caller: &Caller,
        key: ConversationKey,
    ) -> Result<Conversation, ConversationsError> {
        ConversationsError::unless_granted(self.store.find(caller.user, key).await?)
    }

    /// Lists the caller's conversations that match, the last updated first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, ConversationsError> {
        Ok(self.store.list(caller.user, filter, page).await?)
    }

    /// Like [`Conversations::list`], with the number of all that match.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_with_total(
        &self,
        caller: &Caller,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<(Vec<Conversation>, u64), ConversationsError> {
        let list = self.store.list(caller.user, filter.clone(), page);
        Ok(tokio::try_join!(list, self.store.count(caller.user, filter))?)
    }
}
