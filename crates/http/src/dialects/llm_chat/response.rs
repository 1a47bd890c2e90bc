//! The response of `POST /chat`.

use domain::{Conversation, Ending, ResponseId};
use serde::Serialize;
use services::CompletedTurn;

use crate::wire::{self, UsageBody};

/// The reply to a message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatResponse)]
pub(crate) struct ChatBody {
    /// The id of the response: `resp_…` or the provider's own.
    id: String,
    /// Always `response`.
    object: &'static str,
    /// Seconds since 1970-01-01T00:00:00Z.
    created_at: i64,
    model: String,
    /// The text of the reply.
    output_text: String,
    /// The id as written in the request; `conv_…` for a new conversation.
    conversation_id: String,
    /// The title of the conversation.
    title: Option<String>,
    /// The number of exchanges in the conversation. A message and the reply to it are one exchange.
    message_count: u32,
    usage: UsageBody,
    /// The cost of this turn in US dollars.
    cost: f64,
    /// Only if the reply is incomplete: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// The event with `done`, the last JSON event of a stream without an error.
#[derive(Serialize)]
pub(super) struct DoneBody<'a> {
    done: bool,
    conversation_id: &'a str,
    id: &'a str,
    title: Option<&'a str>,
    message_count: u32,
    usage: UsageBody,
    cost: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl ChatBody {
    pub(super) fn new(turn: &CompletedTurn, conversation_id: String) -> Self {
        let CompletedTurn { turn: _, question: _, model, reply, response, ending, conversation } = turn;
        Self {
            id: response.as_str().to_owned(),
            object: "response",
            created_at: ending.reply.map_or(ending.at, |reply| reply.created_at).timestamp(),
            model: model.to_string(),
            output_text: reply.text(),
            conversation_id,
            title: title(conversation).map(str::to_owned),
            message_count: conversation.message_count,
            usage: ending.usage.into(),
            cost: ending.cost.to_dollars(),
            state: wire::state(ending.state.message_state()),
        }
    }
}

impl<'a> DoneBody<'a> {
    pub(super) fn new(
        response: &'a ResponseId,
        ending: &Ending,
        conversation: &'a Conversation,
        conversation_id: &'a str,
    ) -> Self {
        Self {
            done: true,
            conversation_id,
            id: response.as_str(),
            title: title(conversation),
            message_count: conversation.message_count,
            usage: ending.usage.into(),
            cost: ending.cost.to_dollars(),
            state: wire::state(ending.state.message_state()),
        }
    }
}

fn title(conversation: &Conversation) -> Option<&str> {
    conversation.title.as_ref().map(domain::Title::as_str)
}
