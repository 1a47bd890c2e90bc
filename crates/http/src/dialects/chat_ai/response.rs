//! Conversations and messages, as S3 clients see them: UUIDs, and authors instead of roles.

use domain::{Conversation, Message, Role};
use serde::Serialize;
use services::CompletedTurn;

use crate::wire;

/// A conversation with its messages.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatAiConversation)]
pub(crate) struct ConversationBody {
    #[schema(format = Uuid)]
    id: String,
    /// Oldest first.
    messages: Vec<MessageBody>,
    #[schema(format = DateTime)]
    created_at: String,
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
    /// Only where the message is not whole: `failed`, `stopped` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// The answer to a completion.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatAiReply)]
pub(crate) struct ReplyBody {
    /// None where it was stopped before its first word.
    #[schema(format = Uuid)]
    id: Option<String>,
    /// Always `assistant`.
    author: &'static str,
    content: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only where the reply is not whole: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl ConversationBody {
    pub(crate) fn new(conversation: &Conversation, messages: &[Message]) -> Self {
        Self {
            id: conversation.id.to_string(),
            messages: messages.iter().filter_map(MessageBody::of).collect(),
            created_at: wire::time(conversation.created_at),
        }
    }
}

impl MessageBody {
    /// The contract knows two authors.
    fn of(message: &Message) -> Option<Self> {
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
    fn from(answer: &CompletedTurn) -> Self {
        let ending = &answer.ending;
        Self {
            id: ending.reply.map(|reply| reply.id.to_string()),
            author: Role::Assistant.as_str(),
            content: answer.reply.text(),
            created_at: wire::time(ending.reply.map_or(ending.at, |reply| reply.created_at)),
            state: wire::state(ending.state.message_state()),
        }
    }
}
