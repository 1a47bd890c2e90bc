//! Conversations with personas and their messages, as S4 clients see them.

use domain::{Conversation, ConversationNumber, Message, MessageState, PersonaId, ReplyFacts, Role};
use serde::Serialize;
use services::{CompletedTurn, PersonaChatTotals, RunningTurn};

use crate::wire;

/// A conversation.
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

/// A message; the facts of the model call stand with replies alone.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaMessage)]
pub(crate) struct MessageBody {
    id: i64,
    conversation_id: i64,
    /// `user` or `assistant`.
    role: &'static str,
    content: String,
    /// Of a reply: the tokens of its model call.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_time_ms: Option<u32>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Only where the message is not whole: `failed`, `stopped` or `interrupted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl MessageBody {
    /// A message as it is kept.
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

    /// The question of a turn that has just begun; none where it has no number.
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

    /// The reply of a turn; none where nothing was said before it was stopped.
    fn reply(answer: &CompletedTurn) -> Option<Self> {
        let ending = &answer.ending;
        let reply = ending.reply?;
        Some(Self {
            id: reply.number?.0,
            conversation_id: answer.conversation.number.0,
            role: Role::Assistant.as_str(),
            content: answer.reply.text(),
            tokens_used: Some(ending.usage.total()),
            model_used: Some(answer.model.to_string()),
            response_time_ms: Some(ending.response_time_ms),
            created_at: wire::time(reply.created_at),
            state: wire::state(ending.state.message_state()),
        })
    }
}

/// The answer to a send.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaExchange)]
pub(crate) struct ExchangeBody {
    conversation: ConversationBody,
    user_message: MessageBody,
    /// None where it was stopped before its first word.
    assistant_message: Option<MessageBody>,
}

impl ExchangeBody {
    pub(crate) fn new(user_message: MessageBody, answer: &CompletedTurn) -> Self {
        Self {
            conversation: (&answer.conversation).into(),
            user_message,
            assistant_message: MessageBody::reply(answer),
        }
    }
}

/// What the caller's conversations with personas add up to.
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

/// The contract's own estimate: 0.002 dollars for a thousand tokens, with 4 decimals (S4-24).
fn estimated_cost(tokens: u64) -> f64 {
    let ten_thousandths = tokens.saturating_add(25) / 50;
    #[expect(clippy::cast_precision_loss, reason = "an estimate beyond 2^52 of them is shown rounded")]
    let ten_thousandths = ten_thousandths as f64;
    ten_thousandths / 1e4
}

/// Whether the provider answers; the contract calls every provider by one name.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PersonaChatHealth)]
pub(crate) struct HealthBody {
    status: &'static str,
    openai_api: &'static str,
}

impl HealthBody {
    pub(crate) fn new(answers: bool) -> Self {
        if answers {
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
