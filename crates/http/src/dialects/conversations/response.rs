//! Conversations and messages, as S0 and S2 clients see them.

use domain::{Contract, Conversation, Message, MessageHome, MessageId};
use serde::Serialize;
use serde_json::Value;
use services::{Answer, Deletion};

use crate::wire;

/// The form of a conversation's id in an answer (C-3).
pub(crate) enum IdForm {
    /// As the request wrote it.
    Written(String),
    /// `conv_…`, or the provider's own.
    Prefixed,
    /// A UUID.
    Uuid,
}

impl IdForm {
    /// The form of a contract's creates and lists.
    pub(crate) fn of(contract: Contract) -> Self {
        match contract {
            Contract::LlmChat => Self::Prefixed,
            Contract::ChatApi
            | Contract::ChatService
            | Contract::ChatAi
            | Contract::PersonaChat
            | Contract::OpenAi => Self::Uuid,
        }
    }

    fn id_of(&self, conversation: &Conversation) -> String {
        match (self, &conversation.home) {
            (Self::Written(id), _) | (Self::Prefixed, MessageHome::OpenAi(id)) => id.clone(),
            (Self::Prefixed, MessageHome::Local) => conversation.id.prefixed(),
            (Self::Uuid, _) => conversation.id.to_string(),
        }
    }
}

/// A conversation: the union of both contracts.
#[derive(Serialize)]
pub(crate) struct ConversationBody {
    id: String,
    user_id: String,
    project_id: Option<String>,
    title: Option<String>,
    summary: Option<String>,
    summary_message_count: u32,
    summary_updated_at: Option<String>,
    message_count: u32,
    total_tokens: u64,
    total_cost: f64,
    metadata: Value,
    created_at: String,
    updated_at: String,
}

impl ConversationBody {
    pub(crate) fn new(conversation: Conversation, form: &IdForm) -> Self {
        let id = form.id_of(&conversation);
        let Conversation {
            id: _,
            number: _,
            owner: _,
            label,
            project,
            persona: _,
            begun_by: _,
            home: _,
            title,
            model: _,
            last_model: _,
            metadata,
            summary,
            application: _,
            active: _,
            message_count,
            totals,
            last_seq: _,
            running: _,
            created_at,
            updated_at,
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
            // Written by a serialiser, so it can be read.
            metadata: serde_json::from_str(metadata.as_str()).unwrap_or_default(),
            created_at: wire::time(created_at),
            updated_at: wire::time(updated_at),
        }
    }
}

/// A message: the union of both contracts.
#[derive(Serialize)]
pub(crate) struct MessageBody {
    id: String,
    conversation_id: String,
    role: &'static str,
    content: String,
    created_at: String,
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

/// The answer to a send of S2.
#[derive(Serialize)]
pub(crate) struct SentBody {
    /// The conversation's id: so the contract's own example has it (C-8).
    message_id: String,
    response: String,
    created_at: String,
    conversation_id: String,
    user_message_id: Option<String>,
    assistant_message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl SentBody {
    pub(crate) fn new(answer: &Answer, conversation_id: String) -> Self {
        let ending = &answer.ending;
        Self {
            message_id: conversation_id.clone(),
            response: answer.reply.text(),
            created_at: wire::time(ending.reply.map_or(ending.at, |reply| reply.created_at)),
            conversation_id,
            user_message_id: answer.question.map(MessageId::prefixed),
            assistant_message_id: ending.reply.map(|reply| reply.id.prefixed()),
            state: wire::state(ending.state.of_message()),
        }
    }
}

/// The answer to a delete.
#[derive(Serialize)]
pub(crate) struct DeletedBody {
    success: bool,
    message: &'static str,
    id: String,
    soft: bool,
}

impl DeletedBody {
    pub(crate) fn new(id: String, deletion: Deletion) -> Self {
        let soft = match deletion {
            Deletion::Soft => true,
            Deletion::Hard => false,
        };
        Self { success: true, message: "Conversation deleted successfully", id, soft }
    }
}
