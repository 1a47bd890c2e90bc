//! Reads the messages of a conversation, batch by batch, so that a long one never stands in memory as a whole.

use std::sync::Arc;

use domain::{Caller, ConversationKey, Message, MessageKey, MessagePage, Seq, SortOrder, UserId};
use ports::ConversationStore;

use super::{Conversations, ConversationsError};

/// Selects messages of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageQuery {
    /// The order.
    pub order: SortOrder,
    /// The maximum number of messages; `None` means all.
    pub limit: Option<u32>,
    /// Whether the limit counts from the end of the order, and not from its start.
    pub from_end: bool,
    /// How many messages to leave out at the end, if the limit counts from there.
    pub skip: u32,
    /// Only messages that come after this one in the order.
    pub after: Option<MessageKey>,
    /// Only messages that come before this one in the order.
    pub before: Option<MessageKey>,
}

/// The messages of a conversation that were selected. Each call of [`MessageReader::next`] reads a batch of them.
///
/// The batches are separate reads: messages that are added or deleted meanwhile may or may not be among them.
pub struct MessageReader {
    store: Arc<dyn ConversationStore>,
    caller: UserId,
    key: ConversationKey,
    first: Option<Vec<Message>>,
    rest: Option<MessagePage>,
    has_more: bool,
}

impl Conversations {
    /// Selects messages of a conversation, and reads the first batch of them.
    ///
    /// # Errors
    /// [`ConversationsError::NotAMessage`] if `after` or `before` is not a message of the conversation.
    pub async fn messages(
        &self,
        caller: &Caller,
        key: ConversationKey,
        query: MessageQuery,
    ) -> Result<MessageReader, ConversationsError> {
        let MessageQuery { order, limit, from_end, skip, after, before } = query;
        let after = self.position(caller, &key, "after", after).await?;
        let before = self.position(caller, &key, "before", before).await?;
        let mut page = MessagePage { order, limit, after, before };
        let mut more_before = false;
        if from_end && (limit.is_some() || skip > 0) {
            let last = self.store.last_page(caller.user, key.clone(), page, skip).await?;
            let last = ConversationsError::unless_granted(last)?;
            (page, more_before) = (last.page, last.has_more);
        }
        let batch = self.store.messages(caller.user, key.clone(), page).await?;
        let batch = ConversationsError::unless_granted(batch)?;
        Ok(MessageReader {
            store: Arc::clone(&self.store),
            caller: caller.user,
            key,
            first: Some(batch.messages),
            rest: batch.rest,
            has_more: more_before || batch.has_more,
        })
    }

    async fn position(
        &self,
        caller: &Caller,
        key: &ConversationKey,
        param: &'static str,
        message: Option<MessageKey>,
    ) -> Result<Option<Seq>, ConversationsError> {
        let Some(message) = message else { return Ok(None) };
        let found = self.store.position(caller.user, key.clone(), message).await?;
        let position = ConversationsError::unless_granted(found)?;
        position.map(Some).ok_or(ConversationsError::NotAMessage { param })
    }
}

impl MessageReader {
    /// Whether there are messages beyond the limit; `false` without a limit.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Whether another batch must be read after the next one.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        self.rest.is_some()
    }

    /// Reads the next batch; `None` after the last one.
    ///
    /// # Errors
    /// If the store fails, or the conversation was deleted after its first batch was read.
    pub async fn next(&mut self) -> Result<Option<Vec<Message>>, ConversationsError> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        let Some(page) = self.rest.take() else { return Ok(None) };
        let batch = self.store.messages(self.caller, self.key.clone(), page).await?;
        let batch = ConversationsError::unless_granted(batch)?;
        self.rest = batch.rest;
        Ok(Some(batch.messages))
    }
}
