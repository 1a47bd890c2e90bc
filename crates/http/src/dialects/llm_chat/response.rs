//! An answer, as S0 clients see it.

use domain::{Conversation, Ending, ResponseId};
use serde::Serialize;
use services::CompletedTurn;

use crate::wire::{self, UsageBody};

/// The answer to `POST /chat`.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = ChatResponse)]
pub(crate) struct ChatBody {
    /// `resp_…`
    id: String,
    /// Always `response`.
    object: &'static str,
    /// Seconds since 1970.
    created_at: i64,
    model: String,
    /// The reply.
    output_text: String,
    conversation_id: String,
    title: Option<String>,
    /// Exchanges: a question with its reply counts one.
    message_count: u32,
    usage: UsageBody,
    /// US dollars.
    cost: f64,
    /// Only where the reply is not whole: `stopped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

/// The last JSON event of a stream that succeeded.
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
    pub(super) fn new(answer: &CompletedTurn, conversation_id: String) -> Self {
        let CompletedTurn { turn: _, question: _, model, reply, response, ending, conversation } = answer;
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
