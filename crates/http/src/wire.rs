//! How values look in the answers of every contract.

use std::time::Duration;

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::SecondsFormat;
use domain::{Contract, Conversation, HistoryLocation, MessageState, Timestamp, TurnId, Usage};
use serde::Serialize;
use services::Quota;

/// An instant: RFC 3339 in UTC with `Z` and microseconds (C-9).
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// What was done, in a sentence.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Done)]
pub(crate) struct DoneMessage {
    message: String,
}

impl DoneMessage {
    /// Whatever this sentence says.
    pub(crate) fn new(message: &str) -> Self {
        Self { message: message.to_owned() }
    }

    /// Something of this name and number is deleted.
    pub(crate) fn deleted(name: &str, number: i64) -> Self {
        Self { message: format!("{name} {number} deleted successfully") }
    }
}

/// Whole seconds, never too few.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

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

    /// A conversation's id in this form.
    pub(crate) fn id_of(&self, conversation: &Conversation) -> String {
        match (self, &conversation.home) {
            (Self::Written(id), _) | (Self::Prefixed, HistoryLocation::OpenAi(id)) => id.clone(),
            (Self::Prefixed, HistoryLocation::Local) => conversation.id.prefixed(),
            (Self::Uuid, _) => conversation.id.to_string(),
        }
    }
}

/// How a message ended, where that is worth a word: lists name only what is not whole.
pub(crate) fn state(state: MessageState) -> Option<&'static str> {
    match state {
        MessageState::Completed => None,
        MessageState::Failed | MessageState::Stopped | MessageState::Interrupted => Some(state.as_str()),
    }
}

/// Tokens, as contract S0 names them.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
#[schema(as = Usage, description = "Tokens.")]
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

const TURN_ID: HeaderName = HeaderName::from_static("x-turn-id");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");

/// The headers by which the answer to a call that counts says what is left, and names what it began; also where the
/// call is refused, or the turn fails.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallHeaders(Vec<(HeaderName, HeaderValue)>);

impl CallHeaders {
    /// The limit alone, where one was checked.
    pub(crate) fn of(quota: Option<Quota>) -> Self {
        let Some(Quota { limit, remaining, reset_after }) = quota else { return Self::default() };
        let reset = HeaderValue::from(whole_seconds(reset_after));
        Self(vec![(LIMIT, limit.into()), (REMAINING, remaining.into()), (RESET, reset)])
    }

    /// Names the turn too.
    pub(crate) fn and_turn(mut self, turn: TurnId) -> Self {
        self.0.extend(HeaderValue::from_str(&turn.to_string()).map(|value| (TURN_ID, value)));
        self
    }

    /// Names the conversation too, in the form that the dialect shows.
    pub(crate) fn and_conversation(mut self, shown: &str) -> Self {
        self.0.extend(HeaderValue::from_str(shown).map(|value| (CONVERSATION_ID, value)));
        self
    }

    /// Sets them.
    pub(crate) fn put_on(&self, answer: &mut HttpResponseBuilder) {
        for header in &self.0 {
            answer.insert_header(header.clone());
        }
    }
}
