//! Reads several conversations with their messages, batch by batch, so that they never stand in memory as a whole.

use std::collections::VecDeque;
use std::sync::Arc;

use domain::limits::LIST_ROWS;
use domain::{Caller, Conversation, ConversationId, Message, MessagePage, Page, Seq, UserId};
use ports::{Access, ConversationFilter, ConversationStore};

use super::{Conversations, ConversationsError};

/// A piece of a list of conversations with their messages.
#[derive(Debug, PartialEq, Eq)]
pub enum ListedPiece {
    /// A conversation. Its messages follow.
    Conversation(Box<Conversation>),
    /// A message of this conversation.
    Message(Box<Message>),
    /// There are no more messages of this conversation.
    End,
}

/// Conversations with their messages, oldest message first. Each call of [`ConversationReader::next`] reads a batch.
///
/// The batches are separate reads. The messages of a conversation that is deleted meanwhile end where they were read.
pub struct ConversationReader {
    store: Arc<dyn ConversationStore>,
    caller: UserId,
    /// Those that no piece was made of yet.
    waiting: VecDeque<Conversation>,
    /// The rest of the messages of the conversation that was begun.
    begun: Option<(ConversationId, MessagePage)>,
}

impl Conversations {
    /// Lists the caller's conversations that match, the last updated first, each with its messages.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_with_messages(
        &self,
        caller: &Caller,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<ConversationReader, ConversationsError> {
        let conversations = self.list(caller, filter, page).await?;
        Ok(self.with_messages(caller, conversations))
    }

    /// Adds the messages to conversations of the caller.
    #[must_use]
    pub fn with_messages(&self, caller: &Caller, conversations: Vec<Conversation>) -> ConversationReader {
        ConversationReader {
            store: Arc::clone(&self.store),
            caller: caller.user,
            waiting: conversations.into(),
            begun: None,
        }
    }
}

impl ConversationReader {
    /// Whether another batch must be read.
    #[must_use]
    pub fn has_rest(&self) -> bool {
        self.begun.is_some() || !self.waiting.is_empty()
    }

    /// Reads the next batch; `None` after the last one.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn next(&mut self) -> Result<Option<Vec<ListedPiece>>, ConversationsError> {
        let mut pieces = Vec::new();
        if let Some((conversation, page)) = self.begun.take() {
            self.read_on(conversation, page, &mut pieces).await?;
            return Ok(Some(pieces));
        }
        let group = self.next_group();
        match &group[..] {
            [] => return Ok(None),
            [alone] => {
                let id = alone.id;
                pieces.extend(group.into_iter().map(|one| ListedPiece::Conversation(Box::new(one))));
                self.read_on(id, MessagePage::default(), &mut pieces).await?;
            }
            [..] => self.read_group(group, &mut pieces).await?,
        }
        Ok(Some(pieces))
    }

    /// The next conversations whose messages are about a batch together: at least one, if any is left.
    fn next_group(&mut self) -> Vec<Conversation> {
        let (mut group, mut rows) = (Vec::new(), 0);
        while let Some(next) = self.waiting.front() {
            rows += next.last_seq.0.max(0);
            if !group.is_empty() && rows > i64::from(LIST_ROWS) {
                break;
            }
            group.extend(self.waiting.pop_front());
        }
        group
    }

    /// Reads on in the messages of one conversation.
    async fn read_on(
        &mut self,
        conversation: ConversationId,
        page: MessagePage,
        pieces: &mut Vec<ListedPiece>,
    ) -> Result<(), ConversationsError> {
        let batch = match self.store.messages(self.caller, conversation.into(), page).await? {
            Access::Granted(batch) => batch,
            // It was deleted meanwhile.
            Access::Foreign | Access::Absent => ports::MessageBatch::default(),
        };
        pieces.extend(batch.messages.into_iter().map(|message| ListedPiece::Message(Box::new(message))));
        match batch.rest {
            Some(rest) => self.begun = Some((conversation, rest)),
            None => pieces.push(ListedPiece::End),
        }
        Ok(())
    }

    /// Reads the messages of several conversations, as far as they fit in one batch.
    async fn read_group(
        &mut self,
        group: Vec<Conversation>,
        pieces: &mut Vec<ListedPiece>,
    ) -> Result<(), ConversationsError> {
        let ids = group.iter().map(|conversation| conversation.id).collect();
        let read = self.store.messages_of(self.caller, ids).await?;
        let mut messages = read.messages.into_iter().peekable();
        let mut group = group.into_iter();
        for conversation in group.by_ref() {
            let id = conversation.id;
            pieces.push(ListedPiece::Conversation(Box::new(conversation)));
            while let Some(message) = messages.next_if(|message| message.conversation == id) {
                pieces.push(ListedPiece::Message(Box::new(message)));
            }
            if let Some((cut, Seq(after))) = read.cut
                && cut == id
            {
                let rest = MessagePage { after: Some(Seq(after)), ..MessagePage::default() };
                self.begun = Some((id, rest));
                break;
            }
            pieces.push(ListedPiece::End);
        }
        // What comes after the cut was not read.
        for conversation in group.rev() {
            self.waiting.push_front(conversation);
        }
        Ok(())
    }
}
