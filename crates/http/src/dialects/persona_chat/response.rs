//! Responses of S4: conversations with personas, and their messages.

use domain::{Conversation, ConversationNumber, Message, MessageState, PersonaId, ReplyFacts, Role};
use serde::Serialize;
use services::{CompletedTurn, PersonaChatTotals, RunningTurn};

use crate::wire;

/// A conversation with a persona.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaConversation)]
pub(crate) struct ConversationBody {
    id: i64,
    title: Option<String>,
    persona_id: Option<i64>,
    user_id: i64,
    is_active: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<&Conversation> for ConversationBody {
    fn from(conversation: &Conversation) -> Self {
        Self {
            id: conversation.number.0,
            title: conversation.title.as_ref().map(ToString::to_string),
            persona_id: conversation.persona.map(|PersonaId(id)| id),
            user_id: conversation.owner.0,
            is_active: conversation.active,
            created_at: wire::time(conversation.created_at),
            updated_at: wire::time(conversation.updated_at),
        }
    }
}

/// A message. Only replies have the fields about the model call.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaMessage)]
pub(crate) struct MessageBody {
    id: i64,
    conversation_id: i64,
    /// `user` or `assistant`.
    role: &'static str,
    content: String,
    /// The tokens of the model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<u64>,
    /// The model that wrote the reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    model_used: Option<String>,
    /// How long the model call took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<u32>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only if the message is incomplete: `failed`, `stopped` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl MessageBody {
    /// A stored message.
    pub(crate) fn stored(message: Message, conversation: ConversationNumber) -> Self {
        let content = message.text();
        let Message { number, role, state, reply, created_at, .. } = message;
        let (tokens_used, model_used, response_time_ms) = match reply {
            Some(ReplyFacts { model, usage, response_time_ms }) => {
                (Some(usage.total()), Some(model.to_string()), Some(response_time_ms))
            }
            None => (None, None, None),
        };
        Self {
            id: number.0,
            conversation_id: conversation.0,
            role: role.as_str(),
            content,
            tokens_used,
            model_used,
            response_time_ms,
            created_at: wire::time(created_at),
            state: wire::state(state),
        }
    }

    /// The user's message of a turn that has just started; `None` if it has no number.
    pub(crate) fn question(turn: &RunningTurn, content: String) -> Option<Self> {
        Some(Self {
            id: turn.question?.number?.0,
            conversation_id: turn.conversation.number.0,
            role: Role::User.as_str(),
            content,
            tokens_used: None,
            model_used: None,
            response_time_ms: None,
            created_at: wire::time(turn.conversation.updated_at),
            state: wire::state(MessageState::Completed),
        })
    }

    /// The reply of a turn; `None` if it was stopped before it had any text.
    fn reply(turn: &CompletedTurn) -> Option<Self> {
        let ending = &turn.ending;
        let reply = ending.reply?;
        Some(Self {
            id: reply.number?.0,
            conversation_id: turn.conversation.number.0,
            role: Role::Assistant.as_str(),
            content: turn.reply.text(),
            tokens_used: Some(ending.usage.total()),
            model_used: Some(turn.model.to_string()),
            response_time_ms: Some(ending.response_time_ms),
            created_at: wire::time(reply.created_at),
            state: wire::state(ending.state.message_state()),
        })
    }
}

/// The response to a message: the conversation, the message and the reply.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaExchange)]
pub(crate) struct ExchangeBody {
    conversation: ConversationBody,
    user_message: MessageBody,
    /// The reply; null if it was stopped before it had any text.
    assistant_message: Option<MessageBody>,
}

impl ExchangeBody {
    pub(crate) fn new(user_message: MessageBody, turn: &CompletedTurn) -> Self {
        let assistant_message = MessageBody::reply(turn);
        Self { conversation: (&turn.conversation).into(), user_message, assistant_message }
    }
}

/// Totals of the caller's conversations with personas.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaChatStats)]
pub(crate) struct StatsBody {
    total_conversations: u64,
    total_messages: u64,
    total_tokens: u64,
    estimated_cost_usd: f64,
}

impl From<PersonaChatTotals> for StatsBody {
    fn from(totals: PersonaChatTotals) -> Self {
        let PersonaChatTotals { conversations, messages, tokens } = totals;
        Self {
            total_conversations: conversations,
            total_messages: messages,
            total_tokens: tokens,
            estimated_cost_usd: estimated_cost(tokens),
        }
    }
}

/// The estimate that the contract defines: 0.002 US dollars for 1,000 tokens, with 4 decimals (S4-24).
fn estimated_cost(tokens: u64) -> f64 {
    let ten_thousandths = tokens.saturating_add(25) / 50;
    #[expect(clippy::cast_precision_loss, reason = "only an estimate above 2^52 is rounded")]
    let ten_thousandths = ten_thousandths as f64;
    ten_thousandths / 1e4
}

/// Whether the model provider can be reached. The contract has one name for all providers.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaChatHealth)]
pub(crate) struct HealthBody {
    /// `healthy` or `unhealthy`.
    status: &'static str,
    /// `connected` or `disconnected`.
    openai_api: &'static str,
}

impl HealthBody {
    pub(crate) fn new(is_reachable: bool) -> Self {
        if is_reachable {
            Self { status: "healthy", openai_api: "connected" }
        } else {
            Self { status: "unhealthy", openai_api: "disconnected" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_has_four_decimals() {
        for (tokens, dollars) in [(0, 0.0), (5_000, 0.01), (24, 0.0), (25, 0.000_1), (1_234_567, 2.469_1)] {
            assert!((estimated_cost(tokens) - dollars).abs() < 1e-12, "{tokens}");
        }
    }
}
