//! Reads conversations and their messages.

use std::collections::HashMap;

use domain::{Caller, Conversation, ConversationId, ConversationKey, Message, MessagePage, Page};
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

    /// Like [`Conversations::list`], each with its messages, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_with_messages(
        &self,
        caller: &Caller,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<(Conversation, Vec<Message>)>, ConversationsError> {
        let conversations = self.list(caller, filter, page).await?;
        let ids = conversations.iter().map(|conversation| conversation.id).collect();
        let mut messages: HashMap<ConversationId, Vec<Message>> = HashMap::new();
        for message in self.store.messages_of(caller.user, ids).await? {
            messages.entry(message.conversation).or_default().push(message);
        }
        let with_messages = |conversation: Conversation| {
            let messages = messages.remove(&conversation.id).unwrap_or_default();
            (conversation, messages)
        };
        Ok(conversations.into_iter().map(with_messages).collect())
    }

    /// Lists the messages of a conversation.
    pub async fn messages(
        &self,
        caller: &Caller,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Vec<Message>, ConversationsError> {
        ConversationsError::unless_granted(self.store.messages(caller.user, key, page).await?)
    }
}
