//! How turns fail, before they begin and after.

use std::time::Duration;

use domain::{ErrorKind, Failure};
use ports::{BeginError, StoreError};

use crate::Fault;

/// A message was not taken: nothing is kept of it.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There is no such conversation.
    #[error("Conversation not found")]
    NotFound,
    /// It is somebody else's.
    #[error("The conversation is somebody else's")]
    Foreign,
    /// A turn runs in it.
    #[error("A turn is running in the conversation, try again when it has ended")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The conversation changed while a transcript was matched to it.
    #[error("The conversation has changed meanwhile, try again")]
    Moved,
    /// The model is not in the list of those that may be asked.
    #[error("The model is not offered here")]
    ModelNotAllowed,
    /// The service is shutting down.
    #[error("The service is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error("The message could not be stored")]
    Store(#[from] StoreError),
}

impl From<BeginError> for SendError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::NotFound => Self::NotFound,
            BeginError::Foreign => Self::Foreign,
            BeginError::Busy { retry_after } => Self::Busy { retry_after },
            BeginError::Moved => Self::Moved,
            BeginError::Store(error) => Self::Store(error),
        }
    }
}

impl Fault for SendError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Foreign => ErrorKind::Forbidden,
            Self::Busy { .. } | Self::Moved => ErrorKind::Conflict,
            Self::ModelNotAllowed => ErrorKind::Invalid,
            Self::ShuttingDown => ErrorKind::Unavailable,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "conversation_not_found",
            Self::Foreign => "conversation_forbidden",
            Self::Busy { .. } | Self::Moved => "conversation_busy",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::ShuttingDown => "shutting_down",
            Self::Store(error) => error.code(),
        }
    }

    fn param(&self) -> Option<&'static str> {
        matches!(self, Self::ModelNotAllowed).then_some("model")
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::Moved | Self::ShuttingDown => Some(Duration::from_secs(1)),
            Self::Store(error) => error.retry_after(),
            Self::NotFound | Self::Foreign | Self::ModelNotAllowed => None,
        }
    }
}

/// A turn ended without a whole answer. The question is kept, and so is the text that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnFailure {
    /// The model call failed.
    Failed(Failure),
    /// The process was told to end.
    Interrupted,
}

impl std::fmt::Display for TurnFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Failed(failure) => failure.kind.message(),
            Self::Interrupted => "the answer was interrupted, what there is of it is kept",
        })
    }
}

impl std::error::Error for TurnFailure {}

impl Fault for TurnFailure {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(failure) => failure.kind.error_kind(),
            Self::Interrupted => ErrorKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.kind.code(),
            Self::Interrupted => "turn_interrupted",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed(failure) => failure.retry_after.or_else(|| match failure.kind.error_kind() {
                ErrorKind::TooMany | ErrorKind::Unavailable => Some(Duration::from_secs(1)),
                ErrorKind::Invalid
                | ErrorKind::Unauthenticated
                | ErrorKind::Forbidden
                | ErrorKind::NotFound
                | ErrorKind::Conflict
                | ErrorKind::TooLarge
                | ErrorKind::Upstream
                | ErrorKind::Internal => None,
            }),
            Self::Interrupted => Some(Duration::from_secs(1)),
        }
    }
}

/// A turn cannot be watched or stopped.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// There is no such turn of the caller's.
    #[error("Turn not found")]
    NotFound,
    /// There is no such conversation of the caller's.
    #[error("Conversation not found")]
    NoConversation,
    /// The store failed.
    #[error("The turn could not be read")]
    Store(#[from] StoreError),
}

impl Fault for WatchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound | Self::NoConversation => ErrorKind::NotFound,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "turn_not_found",
            Self::NoConversation => "conversation_not_found",
            Self::Store(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotFound | Self::NoConversation => None,
            Self::Store(error) => error.retry_after(),
        }
    }
}
