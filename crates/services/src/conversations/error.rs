//! How work with conversations fails.

use std::time::Duration;

use domain::ErrorKind;
use ports::{Access, StoreError};

use crate::Fault;

/// A conversation could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConversationsError {
    /// There is none, or it is deleted.
    #[error("Conversation not found")]
    NotFound,
    /// It is somebody else's. Every contract but S4 shows it as not found (C-7).
    #[error("The conversation is somebody else's")]
    Foreign,
    /// The model is not in the list of those that may be asked.
    #[error("The model is not offered here")]
    ModelNotAllowed,
    /// The store failed.
    #[error("The conversation could not be read or stored")]
    Store(#[from] StoreError),
}

impl ConversationsError {
    /// The thing, where access was granted.
    pub(super) fn unless_granted<T>(access: Access<T>) -> Result<T, Self> {
        match access {
            Access::Granted(thing) => Ok(thing),
            Access::Foreign => Err(Self::Foreign),
            Access::Absent => Err(Self::NotFound),
        }
    }
}

impl Fault for ConversationsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Foreign => ErrorKind::Forbidden,
            Self::ModelNotAllowed => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "conversation_not_found",
            Self::Foreign => "conversation_forbidden",
            Self::ModelNotAllowed => "model_not_allowed",
            Self::Store(error) => error.code(),
        }
    }

    fn param(&self) -> Option<&'static str> {
        matches!(self, Self::ModelNotAllowed).then_some("model")
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NotFound | Self::Foreign | Self::ModelNotAllowed => None,
            Self::Store(error) => error.retry_after(),
        }
    }
}
