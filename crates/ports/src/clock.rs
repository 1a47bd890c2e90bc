//! Time and jitter.

use domain::{BlobId, ConversationId, MessageId, RunnerId, Timestamp, TurnId};

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
    /// For a stored object.
    fn blob(&self) -> BlobId;
}

/// Jitter, for pauses that must not fall together.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Jitter: Send + Sync {
    /// A number from 0 to 1, 1 itself left out.
    fn fraction(&self) -> f64;
}
