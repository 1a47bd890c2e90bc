//! Language models. Every answer is a stream; a complete answer is a stream read to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Delta, FailureKind, FinishReason, ModelRequest, NanoDollars, ReportedUsage, ResponseId};
use futures_core::Stream;

/// An error of an outside library, as the cause of one of ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A stream of the events of one answer.
///
/// It holds any number of deltas and usages, then exactly one [`ModelEvent::Finished`] or one `Err`, then the end. A provider
/// whose stream ends without either yields [`ModelError::Truncated`]. Dropping the stream ends the call.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// An event of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// A delta of the answer; never empty.
    Delta(Delta),
    /// Another provider answers instead of the first one. Sent by the fail-over alone, before all other events.
    ServedBy(&'static str),
    /// The usage of the call so far; it replaces an earlier one. It may come at any point before the end, so that a call
    /// that fails afterwards is counted with the provider's figures.
    Usage {
        /// The tokens.
        usage: ReportedUsage,
        /// The cost, if the provider sent it.
        cost: Option<NanoDollars>,
    },
    /// The end of the answer.
    Finished {
        /// The provider's id of the response, `resp_…`, if it sent one.
        response: Option<ResponseId>,
        /// Why the answer ended.
        reason: FinishReason,
    },
}

/// A model call failed. The adapter classifies the error, and the class decides about a retry.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The provider refused this request.
    #[error("the provider refused the request")]
    Rejected(#[source] BoxError),
    /// The provider refused our key or our account.
    #[error("the provider refused the key")]
    Refused(#[source] BoxError),
    /// The input is too long for the model.
    #[error("the prompt is too long for the model")]
    TooLong(#[source] BoxError),
    /// The provider limits our calls.
    #[error("the provider is busy")]
    Busy {
        /// When to try again, if the provider said so.
        retry_after: Option<Duration>,
        /// The provider's message.
        #[source]
        source: BoxError,
    },
    /// The provider could not be reached, or failed before it began to answer.
    #[error("the provider is not available")]
    Unavailable(#[source] BoxError),
    /// The provider did not answer in time. The call may have to be paid for, so it is not repeated.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The stream ended before the answer was complete.
    #[error("the provider broke off")]
    Truncated,
    /// The stream contained an error, or an event that cannot be read.
    #[error("the provider sent an answer that cannot be read")]
    Broken(#[source] BoxError),
}

/// Whether a failed call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It may not.
    Never,
    /// After a pause of our choice.
    Soon,
    /// After the pause that the provider named.
    After(Duration),
}

impl ModelError {
    /// Returns whether the call may be made again, provided that no event of the answer was received.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Busy { retry_after: Some(pause), .. } => Retry::After(*pause),
            Self::Busy { retry_after: None, .. } | Self::Unavailable(_) => Retry::Soon,
            Self::Rejected(_)
            | Self::Refused(_)
            | Self::TooLong(_)
            | Self::TimedOut
            | Self::Truncated
            | Self::Broken(_) => Retry::Never,
        }
    }

    /// Returns the failure that clients see.
    #[must_use]
    pub fn failure(&self) -> FailureKind {
        match self {
            Self::Rejected(_) | Self::TooLong(_) => FailureKind::Rejected,
            Self::Refused(_) => FailureKind::Unauthorized,
            Self::Busy { .. } => FailureKind::RateLimited,
            Self::Unavailable(_) => FailureKind::Unavailable,
            Self::TimedOut => FailureKind::TimedOut,
            Self::Truncated => FailureKind::Truncated,
            Self::Broken(_) => FailureKind::Broken,
        }
    }
}

/// A provider of models.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// The provider's name in the configuration, such as `openrouter`.
    fn provider(&self) -> &'static str;

    /// Sends a request to a model. Returns once the provider has accepted it.
    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError>;

    /// Checks whether the provider answers and accepts our key. Costs no tokens.
    async fn check(&self) -> Result<(), ModelError>;
}
