//! The errors of turns, before and after they begin.

use std::time::Duration;

use domain::{ErrorCode, Failure};
use ports::{BeginError, StoreError};

use crate::{DescribeError, ErrorDescription};

/// A message could not be sent: no turn is running for it. Nothing was stored, unless a row of the conversation cannot
/// be read ([`StoreError::Corrupt`]): then the message may have been.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The conversation does not exist, or is deleted.
    #[error("Conversation not found")]
    NotFound,
    /// The conversation belongs to another user.
    #[error("The conversation belongs to another user")]
    Foreign,
    /// Another turn is running in the conversation.
    #[error("A turn is running in the conversation, try again when it has ended")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The conversation has changed since the caller read it.
    #[error("The conversation has changed meanwhile, try again")]
    Moved,
    /// The model is not one of those that are offered.
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

/// A turn ended without a complete answer. The question and the text so far are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TurnFailure {
    /// The model call failed.
    #[error("{}", .0.kind.message())]
    Failed(Failure),
    /// The process that ran the turn ended.
    #[error("the answer was interrupted, the text so far is stored")]
    Interrupted,
}

impl DescribeError for TurnFailure {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::Failed(failure) => (*failure).into(),
            Self::Interrupted => ErrorCode::TurnInterrupted.into(),
        }
    }
}

/// A turn cannot be watched or stopped.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The caller has no such turn.
    #[error("Turn not found")]
    NotFound,
    /// The caller has no such conversation.
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
