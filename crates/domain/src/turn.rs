//! A turn is a log of events: `Started`, deltas, then exactly one ending.

use std::time::Duration;

use crate::{
    ConversationId, Delta, ErrorKind, MessageId, MessageNumber, MessageState, NanoDollars, Seq, Timestamp,
    TurnId, Usage,
};

/// An entry of a turn's log. Its number is its index: 0 is `Started`, then the deltas, then the ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEvent {
    /// The question is kept and the turn runs.
    Started {
        /// The turn.
        turn: TurnId,
        /// The conversation it runs in.
        conversation: ConversationId,
    },
    /// A piece of the reply.
    Delta(Delta),
    /// The last event; whoever sees it can rely on the history.
    Ended(Box<Ending>),
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// Its state.
    pub state: EndState,
    /// The reply's row, where there was text.
    pub reply: Option<ReplyRef>,
    /// What the model call consumed.
    pub usage: Usage,
    /// What it cost.
    pub cost: NanoDollars,
    /// How long the model call took, in milliseconds.
    pub response_time_ms: u32,
    /// When it ended.
    pub at: Timestamp,
}

/// The four ways to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndState {
    /// The model finished.
    Completed(FinishReason),
    /// The provider, or something else, failed.
    Failed(Failure),
    /// Somebody stopped it.
    Stopped,
    /// Its process ended.
    Interrupted,
}

impl EndState {
    /// The state of a reply that ended so.
    #[must_use]
    pub fn of_message(&self) -> MessageState {
        match self {
            Self::Completed(_) => MessageState::Completed,
            Self::Failed(_) => MessageState::Failed,
            Self::Stopped => MessageState::Stopped,
            Self::Interrupted => MessageState::Interrupted,
        }
    }
}

/// Where a reply stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyRef {
    /// Its id.
    pub id: MessageId,
    /// Its number.
    pub number: MessageNumber,
    /// Its place.
    pub seq: Seq,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It reached the limit of its output.
    Length,
    /// A filter of the provider cut it.
    ContentFilter,
    /// It waits for the results of tools.
    ToolCalls,
    /// A reason that we do not know, as the provider names it.
    Other(String),
}

impl FinishReason {
    /// The name, as Chat Completions names it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::ToolCalls => "tool_calls",
            Self::Other(name) => name,
        }
    }

    /// Reads a name; an unknown one is kept.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            "tool_calls" => Self::ToolCalls,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Why a turn failed, fit to be shown: it never holds a word of the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// When a new try makes sense, where the provider said so.
    pub retry_after: Option<Duration>,
}

/// The classes of failed turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The provider refused the request itself: the model, the input, its length.
    Rejected,
    /// The provider refused the operator's key.
    Unauthorized,
    /// The provider is out of capacity for us.
    RateLimited,
    /// The provider could not be reached, or failed.
    Unavailable,
    /// The provider did not answer, or stopped answering.
    TimedOut,
    /// The provider's stream ended without an end.
    Truncated,
    /// The provider sent what cannot be read.
    Broken,
    /// The provider finished without a word.
    Empty,
    /// The conversation's provider is not configured.
    NotConfigured,
    /// The store could not keep the reply.
    Store,
    /// A fault of ours.
    Internal,
}

/// Every class with its code and the sentence that clients see.
const FAILURES: [(FailureKind, &str, &str); 11] = [
    (FailureKind::Rejected, "upstream_rejected", "the model provider refused the request or the model"),
    (
        FailureKind::Unauthorized,
        "upstream_unauthorized",
        "the model provider refused the service's credentials",
    ),
    (
        FailureKind::RateLimited,
        "upstream_rate_limited",
        "the model provider is rate limited, try again later",
    ),
    (FailureKind::Unavailable, "upstream_unavailable", "the model provider is not available"),
    (FailureKind::TimedOut, "upstream_timeout", "the model provider did not answer in time"),
    (
        FailureKind::Truncated,
        "upstream_truncated",
        "the model provider broke off in the middle of the answer",
    ),
    (FailureKind::Broken, "upstream_broken", "the model provider sent an answer that cannot be read"),
    (FailureKind::Empty, "upstream_empty", "the model finished without an answer"),
    (
        FailureKind::NotConfigured,
        "provider_unavailable",
        "the provider of this conversation is not configured",
    ),
    (FailureKind::Store, "store_unavailable", "the answer could not be stored"),
    (FailureKind::Internal, "internal_error", "an internal error ended the turn"),
];

impl FailureKind {
    /// The stable word for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The sentence for it.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.row().2
    }

    /// Reads a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        FAILURES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    /// The protocol-free class.
    #[must_use]
    pub fn error_kind(self) -> ErrorKind {
        match self {
            Self::Rejected => ErrorKind::Invalid,
            Self::RateLimited => ErrorKind::TooMany,
            Self::Unauthorized
            | Self::Unavailable
            | Self::TimedOut
            | Self::Truncated
            | Self::Broken
            | Self::Empty => ErrorKind::Upstream,
            Self::NotConfigured | Self::Store => ErrorKind::Unavailable,
            Self::Internal => ErrorKind::Internal,
        }
    }

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        FAILURES.iter().find(|row| row.0 == self).unwrap_or(&(
            Self::Internal,
            "internal_error",
            "an internal error ended the turn",
        ))
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_code_of_its_own() {
        for (kind, code, _) in FAILURES {
            assert_eq!(FailureKind::parse(code), Some(kind));
            assert_eq!(kind.code(), code);
        }
    }
}
