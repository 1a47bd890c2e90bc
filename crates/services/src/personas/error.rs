//! How work with personas fails.

use std::time::Duration;

use domain::{ErrorKind, PersonaId};
use ports::StoreError;

use crate::{ConversationsError, Fault, SendError};

/// A persona, or a conversation with one, could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum PersonasError {
    /// There is no such persona of the caller's.
    #[error("Persona {0} not found")]
    NoPersona(PersonaId),
    /// There is no such conversation with a persona.
    #[error("Conversation not found")]
    NoConversation,
    /// It is somebody else's.
    #[error("The conversation is somebody else's")]
    ForeignConversation,
    /// There is no such message.
    #[error("Message not found")]
    NoMessage,
    /// It is somebody else's.
    #[error("The message is somebody else's")]
    ForeignMessage,
    /// The message belongs to the turn that runs.
    #[error("The message belongs to an answer that is being written")]
    MessageInUse,
    /// The message was not taken.
    #[error(transparent)]
    Send(SendError),
    /// The store failed.
    #[error("The persona could not be read or stored")]
    Store(#[from] StoreError),
}

impl Fault for PersonasError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPersona(_) | Self::NoConversation | Self::NoMessage => ErrorKind::NotFound,
            Self::ForeignConversation | Self::ForeignMessage => ErrorKind::Forbidden,
            Self::MessageInUse => ErrorKind::Conflict,
            Self::Send(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoPersona(_) => "persona_not_found",
            Self::NoConversation => "conversation_not_found",
            Self::ForeignConversation => "conversation_forbidden",
            Self::NoMessage => "message_not_found",
            Self::ForeignMessage => "message_forbidden",
            Self::MessageInUse => "conversation_busy",
            Self::Send(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn param(&self) -> Option<&'static str> {
        match self {
            Self::Send(error) => error.param(),
            Self::NoPersona(_)
            | Self::NoConversation
            | Self::ForeignConversation
            | Self::NoMessage
            | Self::ForeignMessage
            | Self::MessageInUse
            | Self::Store(_) => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::MessageInUse => Some(Duration::from_secs(1)),
            Self::Send(error) => error.retry_after(),
            Self::Store(error) => error.retry_after(),
            Self::NoPersona(_)
            | Self::NoConversation
            | Self::ForeignConversation
            | Self::NoMessage
            | Self::ForeignMessage => None,
        }
    }
}

/// An error of a conversation that is known to be held with a persona.
impl From<ConversationsError> for PersonasError {
    fn from(error: ConversationsError) -> Self {
        match error {
            ConversationsError::NotFound => Self::NoConversation,
            ConversationsError::Foreign => Self::ForeignConversation,
            ConversationsError::ModelNotAllowed => Self::Send(SendError::ModelNotAllowed),
            ConversationsError::Store(error) => Self::Store(error),
        }
    }
}
