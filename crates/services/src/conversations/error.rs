//! The errors of conversations.

use domain::ErrorCode;
use ports::{Access, StoreError};

use crate::{DescribeError, ErrorDescription};

/// A conversation could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ConversationsError {
    /// It does not exist, or is deleted.
    #[error("Conversation not found")]
    NotFound,
    /// It belongs to another user. Every contract except S4 reports it as not found (C-7).
    #[error("The conversation belongs to another user")]
    Foreign,
    /// The model is not one of those that are offered.
    #[error("The model is not offered here")]
    ModelNotAllowed,
    /// A parameter names something else than a message of the conversation.
    #[error("{param} must be a message of this conversation")]
    NotAMessage {
        /// The parameter.
        param: &'static str,
    },
    /// The store failed.
    #[error("The conversation could not be read or stored")]
    Store(#[from] StoreError),
}

impl ConversationsError {
    /// Returns the value if access was granted.
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
            Self::NotAMessage { param } => {
                ErrorDescription { param: Some(param), ..ErrorCode::ValidationError.into() }
            }
            Self::Store(error) => error.describe(),
        }
    }
}
