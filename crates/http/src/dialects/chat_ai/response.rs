//! Responses of S3. Ids are UUIDs, and messages have authors instead of roles.

use domain::{Conversation, Message, Role};
use serde::Serialize;
use services::{CompletedTurn, ListedPiece};

use crate::stream::JsonWriter;
use crate::wire;

/// A conversation with its messages.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatAiConversation)]
pub(crate) struct ConversationBody {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = DateTime)]
    created_at: String,
    // Last, because they are written one after the other.
    /// The messages, oldest first.
    messages: Vec<MessageBody>,
}

/// A message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatAiMessage)]
struct MessageBody {
    #[schema(format = Uuid)]
    id: String,
    /// `user` or `assistant`.
    author: &'static str,
    content: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only if the message is incomplete: `failed`, `stopped` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// The reply to a message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatAiReply)]
pub(crate) struct ReplyBody {
    /// The id of the reply; null if the reply was stopped before it had any text.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// Always `assistant`.
    author: &'static str,
    content: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only if the reply is incomplete: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl ConversationBody {
    /// A conversation without messages.
    pub(crate) fn empty(conversation: &Conversation) -> Self {
        Self {
            id: conversation.id.to_string(),
            created_at: wire::time(conversation.created_at),
            messages: Vec::new(),
        }
    }
}

/// Writes a piece of a list of conversations.
pub(crate) fn write_piece(json: &mut JsonWriter, piece: ListedPiece) -> Result<(), serde_json::Error> {
    match piece {
        ListedPiece::Conversation(conversation) => json.open(&ConversationBody::empty(&conversation)),
        ListedPiece::Message(message) => match MessageBody::from_message(&message) {
            Some(body) => json.item(&body),
            None => Ok(()),
        },
        ListedPiece::End => {
            json.close();
            Ok(())
        }
    }
}

impl MessageBody {
    /// The message, if its author is the user or the assistant: the contract has no others.
    fn from_message(message: &Message) -> Option<Self> {
        let author = match message.role {
            Role::User | Role::Assistant => message.role.as_str(),
            Role::System | Role::Tool => return None,
        };
        Some(Self {
            id: message.id.to_string(),
            author,
            content: message.text(),
            created_at: wire::time(message.created_at),
            state: wire::state(message.state),
        })
    }
}

impl From<&CompletedTurn> for ReplyBody {
    fn from(turn: &CompletedTurn) -> Self {
        let ending = &turn.ending;
        Self {
            id: ending.reply.map(|reply| reply.id.to_string()),
            author: Role::Assistant.as_str(),
            content: turn.reply.text(),
            created_at: wire::time(ending.reply.map_or(ending.at, |reply| reply.created_at)),
            state: wire::state(ending.state.message_state()),
        }
    }
}
