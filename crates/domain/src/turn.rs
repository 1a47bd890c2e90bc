//! A turn is a log of events: `Started`, deltas, then exactly one ending.

use std::time::Duration;

use crate::{
    ConversationId, Delta, ErrorCode, MessageId, MessageNumber, MessageState, NanoDollars, Seq, Timestamp,
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

/// The row of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyRef {
    /// Its id.
    pub id: MessageId,
    /// Its number; a reply that lives elsewhere has none.
    pub number: Option<MessageNumber>,
    /// Its position.
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

impl FailureKind {
    const ALL: [Self; 11] = [
        Self::Rejected,
        Self::Unauthorized,
        Self::RateLimited,
        Self::Unavailable,
        Self::TimedOut,
        Self::Truncated,
        Self::Broken,
        Self::Empty,
        Self::NotConfigured,
        Self::Store,
        Self::Internal,
    ];

    /// The code and the sentence that clients see.
    const fn facts(self) -> (ErrorCode, &'static str) {
        match self {
            Self::Rejected => {
                (ErrorCode::UpstreamRejected, "the model provider refused the request or the model")
            }
            Self::Unauthorized => {
                (ErrorCode::UpstreamUnauthorized, "the model provider refused the service's credentials")
            }
            Self::RateLimited => {
                (ErrorCode::UpstreamRateLimited, "the model provider is rate limited, try again later")
            }
            Self::Unavailable => (ErrorCode::UpstreamUnavailable, "the model provider is not available"),
            Self::TimedOut => (ErrorCode::UpstreamTimeout, "the model provider did not answer in time"),
            Self::Truncated => {
                (ErrorCode::UpstreamTruncated, "the model provider broke off in the middle of the answer")
            }
            Self::Broken => {
                (ErrorCode::UpstreamBroken, "the model provider sent an answer that cannot be read")
            }
            Self::Empty => (ErrorCode::UpstreamEmpty, "the model finished without an answer"),
            Self::NotConfigured => {
                (ErrorCode::ProviderUnavailable, "the provider of this conversation is not configured")
            }
            Self::Store => (ErrorCode::StoreUnavailable, "the answer could not be stored"),
            Self::Internal => (ErrorCode::InternalError, "an internal error ended the turn"),
        }
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        self.facts().0
    }

    /// The sentence for clients.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.facts().1
    }

    /// Reads the word of a code.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code().as_str() == word)
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
    fn every_failure_is_read_back_from_its_code() {
        assert_eq!(FailureKind::ALL.len(), FailureKind::Internal as usize + 1);
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::parse(kind.code().as_str()), Some(kind));
        }
    }
}
