//! Values that all contracts write in the same form.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use chrono::SecondsFormat;
use domain::{
    Conversation, ConversationNumber, HistoryLocation, MessageState, ModelName, Timestamp, TurnId, Usage,
};
use serde::Serialize;
use services::Quota;

/// An instant: RFC 3339 in UTC with `Z` and microseconds (C-9).
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A sentence that says what was done.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Done)]
pub(crate) struct DoneMessage {
    message: String,
}

impl DoneMessage {
    /// A message with this sentence.
    pub(crate) fn new(message: &str) -> Self {
        Self { message: message.to_owned() }
    }

    /// The message "{name} {number} deleted successfully".
    pub(crate) fn deleted(name: &str, number: i64) -> Self {
        Self { message: format!("{name} {number} deleted successfully") }
    }
}

/// A time in whole seconds, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// The form of a conversation's id in a response (C-3).
pub(crate) enum IdForm {
    /// As written in the request.
    Written(String),
    /// `conv_…`, or the provider's id of a conversation that is stored at the provider: in responses of S0 to requests
    /// that do not name a conversation.
    Prefixed,
    /// A UUID: in responses of S2 to requests that do not name a conversation.
    Uuid,
}

impl IdForm {
    /// The id of a conversation in this form.
    pub(crate) fn id_of(&self, conversation: &Conversation) -> String {
        match (self, &conversation.home) {
            (Self::Written(id), _) | (Self::Prefixed, HistoryLocation::OpenAi(id)) => id.clone(),
            (Self::Prefixed, HistoryLocation::Local) => conversation.id.prefixed(),
            (Self::Uuid, _) => conversation.id.to_string(),
        }
    }
}

/// The `state` of a message in a response: `None` for a complete message.
pub(crate) fn state(state: MessageState) -> Option<&'static str> {
    match state {
        MessageState::Completed => None,
        MessageState::Failed | MessageState::Stopped | MessageState::Interrupted => Some(state.as_str()),
    }
}

/// The tokens of a model call, in the form of S0.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = Usage, description = "The tokens of a model call.")]
pub(crate) struct UsageBody {
    #[serde(rename = "input_tokens")]
    input: u64,
    #[serde(rename = "output_tokens")]
    output: u64,
    #[serde(rename = "total_tokens")]
    total: u64,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        Self { input: usage.input, output: usage.output, total: usage.total() }
    }
}

const HAS_MORE: HeaderName = HeaderName::from_static("x-has-more");

/// A response with status 200 for a list of messages. Its header says whether more lie beyond the limit.
pub(crate) fn message_list(has_more: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((HAS_MORE, if has_more { "true" } else { "false" }));
    response
}

const TURN_ID: HeaderName = HeaderName::from_static("x-turn-id");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");
const SESSION_ID: HeaderName = HeaderName::from_static("x-session-id");
const MODEL: HeaderName = HeaderName::from_static("x-model");

/// The headers of responses to calls that count against a rate limit: the limit and what is left of it, and the turn
/// and the conversation if the call has started a turn. Error responses have them too.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallHeaders(Vec<(HeaderName, HeaderValue)>);

impl CallHeaders {
    /// The headers of a rate limit, if one was checked.
    pub(crate) fn new(quota: Option<Quota>) -> Self {
        let Some(Quota { limit, remaining, reset_after }) = quota else { return Self::default() };
        let reset = HeaderValue::from(whole_seconds(reset_after));
        Self(vec![(LIMIT, limit.into()), (REMAINING, remaining.into()), (RESET, reset)])
    }

    /// Adds the turn.
    pub(crate) fn and_turn(mut self, turn: TurnId) -> Self {
        self.0.extend(HeaderValue::from_str(&turn.to_string()).map(|value| (TURN_ID, value)));
        self
    }

    /// Adds the conversation, with its id in the form that the dialect shows.
    pub(crate) fn and_conversation(mut self, shown: &str) -> Self {
        self.0.extend(HeaderValue::from_str(shown).map(|value| (CONVERSATION_ID, value)));
        self
    }

    /// Adds the session and the model of the turn (S1-58).
    pub(crate) fn and_session(mut self, session: ConversationNumber, model: &ModelName) -> Self {
        self.0.push((SESSION_ID, session.0.into()));
        self.0.extend(HeaderValue::from_str(model.as_str()).map(|value| (MODEL, value)));
        self
    }

    /// Sets these headers on a response.
    pub(crate) fn put_on(&self, response: &mut HttpResponseBuilder) {
        for header in &self.0 {
            response.insert_header(header.clone());
        }
    }

    /// A response with status 200 and these headers.
    pub(crate) fn ok(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::Ok();
        self.put_on(&mut response);
        response
    }
}
