//! How values look in the answers of every contract.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::SecondsFormat;
use domain::{MessageState, Timestamp, TurnId, Usage};
use serde::Serialize;

/// An instant: RFC 3339 in UTC with `Z` and microseconds (C-9).
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// How a message ended, where that is worth a word: lists name only what is not whole.
pub(crate) fn state(state: MessageState) -> Option<&'static str> {
    match state {
        MessageState::Completed => None,
        MessageState::Failed | MessageState::Stopped | MessageState::Interrupted => Some(state.as_str()),
    }
}

/// Tokens, as contract S0 names them.
#[derive(Debug, Clone, Copy, Serialize)]
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
const CONVERSATION_ID: HeaderName = HeaderName::from_static("x-conversation-id");

/// The headers by which the answer to a send names its turn, also where the turn fails.
#[derive(Debug, Clone)]
pub(crate) struct TurnHeaders(Vec<(HeaderName, HeaderValue)>);

impl TurnHeaders {
    /// The turn alone.
    pub(crate) fn of(turn: TurnId) -> Self {
        Self(HeaderValue::from_str(&turn.to_string()).map(|value| (TURN_ID, value)).into_iter().collect())
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
