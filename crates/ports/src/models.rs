//! Models. The port only streams: a whole answer is a folded stream.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Delta, FailureKind, FinishReason, ModelRequest, NanoDollars, ResponseId, Usage};
use futures_core::Stream;

/// An error of an outside library, as the cause of ours.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A stream of a model's events.
///
/// It holds any number of deltas, then exactly one [`ModelEvent::Finished`] or one `Err`, then the end. A provider
/// that ends without either is [`ModelError::Truncated`]; the adapter says so. Dropping the stream ends the call.
pub type ModelStream = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// What a model sends.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// A piece of the answer; never empty.
    Delta(Delta),
    /// Another provider than the one that was asked first answers. Sent before all else, by the fail-over alone.
    ServedBy(&'static str),
    /// The end of the answer.
    Finished {
        /// The provider's own id of the answer, `resp_…`, where it gives it one.
        response: Option<ResponseId>,
        /// Why it ended.
        reason: FinishReason,
        /// What the call consumed, where the provider says so.
        usage: Option<Usage>,
        /// What the call cost, where the provider says so.
        cost: Option<NanoDollars>,
    },
}

/// How a model call failed. Classified once, in the adapter; the class decides about a retry.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The provider refuses this request, whoever sends it.
    #[error("the provider refused the request")]
    Rejected(#[source] BoxError),
    /// The provider refuses our key, or its account.
    #[error("the provider refused the key")]
    Refused(#[source] BoxError),
    /// The prompt is too long for the model.
    #[error("the prompt is too long for the model")]
    TooLong(#[source] BoxError),
    /// The provider is out of capacity for us.
    #[error("the provider is busy")]
    Busy {
        /// When it expects a new try.
        retry_after: Option<Duration>,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// The provider could not be reached, or failed before it began to answer.
    #[error("the provider is not available")]
    Unavailable(#[source] BoxError),
    /// Sent, and unanswered for too long: it may be paid for, so it is not repeated.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// The stream ended without an end.
    #[error("the provider broke off")]
    Truncated,
    /// The stream holds an error, or what cannot be read.
    #[error("the provider sent an answer that cannot be read")]
    Broken(#[source] BoxError),
}

/// Whether a failed call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No.
    Never,
    /// After a pause of our choice.
    Soon,
    /// After the pause that the provider named.
    After(Duration),
}

impl ModelError {
    /// Whether the call may be made again, if nothing of an answer was seen.
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

    /// The failure that clients see.
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

    /// Asks a model. Resolves once the provider has accepted the request.
    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError>;

    /// Whether the provider answers and takes our key; costs no tokens.
    async fn check(&self) -> Result<(), ModelError>;
}
