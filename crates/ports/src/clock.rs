//! Time and chance.

use domain::{ConversationId, MessageId, RunnerId, Timestamp, TurnId};

/// The time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, cut to the microsecond.
    fn now(&self) -> Timestamp;
}

/// New ids, each greater than the ones before (`UUIDv7`).
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait IdSource: Send + Sync {
    /// For a conversation.
    fn conversation(&self) -> ConversationId;
    /// For a message.
    fn message(&self) -> MessageId;
    /// For a turn.
    fn turn(&self) -> TurnId;
    /// For a process.
    fn runner(&self) -> RunnerId;
}
