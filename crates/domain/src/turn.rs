//! Turns. A turn is a log of events: `Started`, deltas, then exactly one ending.

use std::time::Duration;

use crate::text::is_invisible;
use crate::{
    ConversationId, Delta, ErrorCode, MessageId, MessageNumber, MessageState, NanoDollars, Seq, Timestamp,
    TurnId, Usage,
};

/// An event of a turn. Its number is its index in the log: 0 is `Started`, then the deltas, then the ending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEvent {
    /// The question is stored and the turn is running.
    Started {
        /// The turn.
        turn: TurnId,
        /// The conversation that it runs in.
        conversation: ConversationId,
    },
    /// A delta of the reply.
    Delta(Delta),
    /// The last event. It is published only after the reply is stored.
    Ended(Box<Ending>),
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The state.
    pub state: EndState,
    /// The stored reply, if there was text.
    pub reply: Option<ReplyRef>,
    /// The tokens of the model call.
    pub usage: Usage,
    /// The cost of the model call.
    pub cost: NanoDollars,
    /// The duration of the model call, in milliseconds.
    pub response_time_ms: u32,
    /// When it ended.
    pub at: Timestamp,
}

impl Ending {
    /// The ending of a turn that its process did not end, and that cost nothing that is known.
    #[must_use]
    pub fn interrupted(usage: Usage, at: Timestamp) -> Self {
        let cost = NanoDollars::default();
        Self { state: EndState::Interrupted, reply: None, usage, cost, response_time_ms: 0, at }
    }

    /// The same ending as every store keeps it: numbers within their limits, a pause in whole milliseconds, and a finish
    /// reason that may be shown.
    #[must_use]
    pub fn storable(mut self) -> Self {
        match &mut self.state {
            EndState::Completed(reason @ FinishReason::Other(_)) => *reason = reason.presentable(),
            EndState::Failed(failure) => {
                let milliseconds = |pause: Duration| u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                let pause = failure.retry_after.map(milliseconds);
                failure.retry_after =
                    pause.map(|pause| Duration::from_millis(pause.min(i64::MAX.unsigned_abs())));
            }
            EndState::Completed(_) | EndState::Stopped | EndState::Interrupted => {}
        }
        Self { usage: self.usage.clamped(), cost: self.cost.clamped(), ..self }
    }
}

/// The state of a turn that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndState {
    /// The model finished.
    Completed(FinishReason),
    /// The provider or the service failed.
    Failed(Failure),
    /// A user stopped it.
    Stopped,
    /// The process that ran it ended.
    Interrupted,
}

impl EndState {
    /// Returns the state of the reply.
    #[must_use]
    pub fn message_state(&self) -> MessageState {
        match self {
            Self::Completed(_) => MessageState::Completed,
            Self::Failed(_) => MessageState::Failed,
            Self::Stopped => MessageState::Stopped,
            Self::Interrupted => MessageState::Interrupted,
        }
    }
}

/// A stored reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyRef {
    /// The id.
    pub id: MessageId,
    /// The number; `None` for a reply that is stored elsewhere.
    pub number: Option<MessageNumber>,
    /// Its position in the conversation.
    pub seq: Seq,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Why a model stopped writing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FinishReason {
    /// It was finished.
    Stop,
    /// It reached the limit of output tokens.
    Length,
    /// A content filter of the provider cut it off.
    ContentFilter,
    /// It called tools and needs their results.
    ToolCalls,
    /// Any other reason, by the provider's name for it.
    Other(String),
}

impl FinishReason {
    /// Returns the name in Chat Completions.
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

    /// Reads a name; an unknown one becomes [`FinishReason::Other`], as it may be shown.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match presentable(name).as_str() {
            "stop" => Self::Stop,
            "length" => Self::Length,
            "content_filter" => Self::ContentFilter,
            "tool_calls" => Self::ToolCalls,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The same reason as it may be stored, logged and shown to clients: providers may send anything as their name for it.
    #[must_use]
    pub fn presentable(&self) -> Self {
        Self::from_name(self.as_str())
    }
}

/// The most characters of a provider's name for a finish reason that are shown.
const REASON_CHARS: usize = 64;

/// Brings a provider's name for a finish reason into one short line without invisible characters. U+0000 is one of them,
/// which PostgreSQL cannot store.
fn presentable(name: &str) -> String {
    let visible: String = name.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(REASON_CHARS).collect();
    if cut.is_empty() { "unknown".to_owned() } else { cut.trim_end().to_owned() }
}

/// Why a turn failed. It holds no text of the provider, so it may be shown to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// The class.
    pub kind: FailureKind,
    /// When to try again, if the provider said so.
    pub retry_after: Option<Duration>,
}

/// The classes of failed turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The provider refused the request itself: the model, the input, its length.
    Rejected,
    /// The provider refused the operator's key.
    Unauthorized,
    /// The provider limits our calls.
    RateLimited,
    /// The provider could not be reached, or failed.
    Unavailable,
    /// The provider did not answer, or stopped sending.
    TimedOut,
    /// The provider's stream ended before the answer was complete.
    Truncated,
    /// The provider sent an answer that cannot be read.
    Broken,
    /// The provider sent an empty answer.
    Empty,
    /// The conversation's provider is not configured.
    NotConfigured,
    /// The reply could not be stored.
    Store,
    /// An error of the service itself.
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

    /// The code and the message that clients see.
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

    /// Returns the stable code.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        self.facts().0
    }

    /// Returns the message for clients.
    #[must_use]
    pub const fn message(self) -> &'static str {
        self.facts().1
    }

    /// Finds the class of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code().as_str() == code)
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
    fn a_storable_ending_is_within_its_limits() {
        let reason = FinishReason::Other("st\0op".to_owned());
        let usage = Usage { input: u64::MAX, output: 7, ..Usage::default() };
        let ending = Ending::interrupted(usage, Timestamp::UNIX_EPOCH);
        let ending = Ending { state: EndState::Completed(reason), cost: NanoDollars(i64::MIN), ..ending };
        let kept = ending.storable();
        assert_eq!(kept.state, EndState::Completed(FinishReason::Stop));
        assert_eq!((kept.usage.input, kept.usage.output), (1_000_000_000_000_000, 7));
        assert_eq!(kept.cost, NanoDollars(-100_000_000_000_000_000));
        let failure =
            Failure { kind: FailureKind::RateLimited, retry_after: Some(Duration::from_nanos(1_999_999)) };
        let kept = Ending { state: EndState::Failed(failure), ..kept }.storable();
        let expected = Failure { retry_after: Some(Duration::from_millis(1)), ..failure };
        assert_eq!(kept.state, EndState::Failed(expected));
    }

    #[test]
    fn unknown_finish_reasons_are_short_and_visible() {
        for (name, shown) in [
            ("guardrail_intervened", "guardrail_intervened"),
            ("  odd\r\n reason\t", "odd reason"),
            ("\u{1b}[31mred\0\u{202e}\u{7}", "[31mred"),
            ("\u{200b}\0", "unknown"),
            ("", "unknown"),
            ("敏感", "敏感"),
        ] {
            assert_eq!(FinishReason::from_name(name), FinishReason::Other(shown.to_owned()), "{name:?}");
        }
        assert_eq!(FinishReason::from_name(" stop\n"), FinishReason::Stop);
        let long = FinishReason::from_name(&"ab ".repeat(1_000));
        assert_eq!(long.as_str().chars().count(), 64);
        let cut_at_a_space = FinishReason::from_name(&format!("{} b", "a".repeat(63)));
        for reason in [long, cut_at_a_space] {
            assert_eq!(reason.presentable(), reason, "it is the same when it is read again");
        }
    }

    #[test]
    fn every_failure_is_read_back_from_its_code() {
        assert_eq!(FailureKind::ALL.len(), FailureKind::Internal as usize + 1);
        for kind in FailureKind::ALL {
            assert_eq!(FailureKind::parse(kind.code().as_str()), Some(kind));
        }
    }
}
