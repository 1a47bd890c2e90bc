//! The errors of personas.

use domain::{ErrorCode, PersonaId};
use ports::StoreError;

use crate::{ConversationsError, DescribeError, ErrorDescription, SendError};

/// A persona, or a conversation with one, could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum PersonasError {
    /// The caller has no such persona.
    #[error("Persona {0} not found")]
    NoPersona(PersonaId),
    /// There is no such conversation with a persona.
    #[error("Conversation not found")]
    NoConversation,
    /// It belongs to another user.
    #[error("The conversation belongs to another user")]
    ForeignConversation,
    /// There is no such message.
    #[error("Message not found")]
    NoMessage,
    /// It belongs to another user.
    #[error("The message belongs to another user")]
    ForeignMessage,
    /// The message belongs to a running turn.
    #[error("The message belongs to an answer that is being written")]
    MessageInUse,
    /// A parameter names something else than a message of the conversation.
    #[error("{param} must be a message of this conversation")]
    NotInConversation {
        /// The parameter.
        param: &'static str,
    },
    /// The message could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The store failed.
    #[error("The persona could not be read or stored")]
    Store(#[from] StoreError),
}

impl DescribeError for PersonasError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::NoPersona(_) => ErrorCode::PersonaNotFound.into(),
            Self::NoConversation => ErrorCode::ConversationNotFound.into(),
            Self::ForeignConversation => ErrorCode::ConversationForbidden.into(),
            Self::NoMessage => ErrorCode::MessageNotFound.into(),
            Self::ForeignMessage => ErrorCode::MessageForbidden.into(),
            Self::MessageInUse => ErrorCode::ConversationBusy.into(),
            Self::NotInConversation { param } => ConversationsError::NotAMessage { param }.describe(),
            Self::Send(error) => error.describe(),
            Self::Store(error) => error.describe(),
        }
    }
}

/// An error of a conversation that has a persona.
impl From<ConversationsError> for PersonasError {
    fn from(error: ConversationsError) -> Self {
        match error {
            ConversationsError::NotFound => Self::NoConversation,
            ConversationsError::Foreign => Self::ForeignConversation,
            ConversationsError::ModelNotAllowed => Self::Send(SendError::ModelNotAllowed),
            ConversationsError::NotAMessage { param } => Self::NotInConversation { param },
            ConversationsError::Store(error) => Self::Store(error),
        }
    }
}
