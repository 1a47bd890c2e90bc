//! How work with conversations fails.

use domain::ErrorCode;
use ports::{Access, StoreError};

use crate::{DescribeError, ErrorDescription};

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
        access.or(Self::Foreign, Self::NotFound)
    }
}

impl DescribeError for ConversationsError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::NotFound => ErrorCode::ConversationNotFound.into(),
            Self::Foreign => ErrorCode::ConversationForbidden.into(),
            Self::ModelNotAllowed => ErrorCode::ModelNotAllowed.into(),
            Self::Store(error) => error.describe(),
        }
    }
}
