//! How turns fail, before they begin and after.

use std::time::Duration;

use domain::{ErrorCode, Failure};
use ports::{BeginError, StoreError};

use crate::{DescribeError, ErrorDescription};

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

impl DescribeError for SendError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::NotFound => ErrorCode::ConversationNotFound.into(),
            Self::Foreign => ErrorCode::ConversationForbidden.into(),
            Self::Busy { retry_after } => {
                ErrorDescription::from(ErrorCode::ConversationBusy).with_retry_after(*retry_after)
            }
            Self::Moved => ErrorCode::ConversationBusy.into(),
            Self::ModelNotAllowed => ErrorCode::ModelNotAllowed.into(),
            Self::ShuttingDown => ErrorCode::ShuttingDown.into(),
            Self::Store(error) => error.describe(),
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

impl DescribeError for TurnFailure {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::Failed(Failure { kind, retry_after: Some(pause) }) => {
                ErrorDescription::from(kind.code()).with_retry_after(*pause)
            }
            Self::Failed(Failure { kind, retry_after: None }) => kind.code().into(),
            Self::Interrupted => ErrorCode::TurnInterrupted.into(),
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

impl DescribeError for WatchError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::NotFound => ErrorCode::TurnNotFound.into(),
            Self::NoConversation => ErrorCode::ConversationNotFound.into(),
            Self::Store(error) => error.describe(),
        }
    }
}
