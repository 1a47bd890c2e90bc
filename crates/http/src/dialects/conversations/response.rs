//! Responses of S0 and S2 with conversations and messages.

use domain::{Conversation, Message};
use serde::Serialize;
use serde_json::Value;
use services::{CompletedTurn, Deletion};

use crate::wire::{self, IdForm};

/// A conversation, with the fields of both contracts.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Conversation)]
pub(crate) struct ConversationBody {
    /// The id as written in the request. In the response to a create it is `conv_…` or a UUID.
    id: String,
    /// The label with which the conversation was created.
    user_id: String,
    /// The project of a conversation of the Chat Service.
    project_id: Option<String>,
    title: Option<String>,
    /// A summary of the older messages of a long conversation.
    summary: Option<String>,
    /// How many exchanges the summary covers.
    summary_message_count: u32,
    #[schema(format = DateTime)]
    summary_updated_at: Option<String>,
    /// The number of exchanges. A message and the reply to it are one exchange.
    message_count: u32,
    /// The tokens of all turns.
    total_tokens: u64,
    /// The cost of all turns in US dollars.
    total_cost: f64,
    /// The metadata with which the conversation was created or changed.
    #[schema(value_type = Object)]
    metadata: Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl ConversationBody {
    pub(crate) fn new(conversation: Conversation, form: &IdForm) -> Self {
        let id = form.id_of(&conversation);
        let Conversation {
            label,
            project,
            title,
            metadata,
            summary,
            message_count,
            totals,
            created_at,
            updated_at,
            ..
        } = conversation;
        Self {
            id,
            user_id: label.as_str().to_owned(),
            project_id: project.map(|project| project.as_str().to_owned()),
            title: title.map(|title| title.to_string()),
            summary_message_count: summary.as_ref().map_or(0, |summary| summary.message_count),
            summary_updated_at: summary.as_ref().map(|summary| wire::time(summary.updated_at)),
            summary: summary.map(|summary| summary.text),
            message_count,
            total_tokens: totals.input + totals.output,
            total_cost: totals.cost.to_dollars(),
            // It was written by a serialiser, so it can be read.
            metadata: serde_json::from_str(metadata.as_str()).unwrap_or_default(),
            created_at: wire::time(created_at),
            updated_at: wire::time(updated_at),
        }
    }
}

/// A message, with the fields of both contracts.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageBody {
    id: String,
    conversation_id: String,
    /// `user` or `assistant`.
    role: &'static str,
    /// The text of the message. An image is shown as `[Image]`.
    content: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only if the message is incomplete: `failed`, `stopped` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl MessageBody {
    pub(crate) fn new(message: &Message, conversation_id: &str) -> Self {
        Self {
            id: message.id.prefixed(),
            conversation_id: conversation_id.to_owned(),
            role: message.role.as_str(),
            content: message.text(),
            created_at: wire::time(message.created_at),
            state: wire::state(message.state),
        }
    }
}

/// The response to a message of S2.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SentMessage, description = "The reply to a message.")]
pub(crate) struct SentBody {
    /// The id of the conversation, as in the contract's example.
    message_id: String,
    /// The text of the reply.
    response: String,
    #[schema(format = DateTime)]
    created_at: String,
    conversation_id: String,
    user_message_id: Option<String>,
    /// The id of the reply; null if the reply was stopped before it had any text.
    assistant_message_id: Option<String>,
    /// Only if the reply is incomplete: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl SentBody {
    pub(crate) fn new(turn: &CompletedTurn, conversation_id: String) -> Self {
        let ending = &turn.ending;
        Self {
            message_id: conversation_id.clone(),
            response: turn.reply.text(),
            created_at: wire::time(ending.reply.map_or(ending.at, |reply| reply.created_at)),
            conversation_id,
            user_message_id: turn.question.map(|question| question.id.prefixed()),
            assistant_message_id: ending.reply.map(|reply| reply.id.prefixed()),
            state: wire::state(ending.state.message_state()),
        }
    }
}

/// The response to a delete.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = DeletedConversation)]
pub(crate) struct DeletedBody {
    success: bool,
    message: &'static str,
    /// The id as written in the request.
    id: String,
    /// Whether the conversation can be restored.
    soft: bool,
}

impl DeletedBody {
    pub(crate) fn new(id: String, deletion: Deletion) -> Self {
        let soft = match deletion {
            Deletion::Soft => true,
            Deletion::Purge => false,
        };
        Self { success: true, message: "Conversation deleted successfully", id, soft }
    }
}
