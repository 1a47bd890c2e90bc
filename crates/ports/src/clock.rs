//! Time, ids and jitter.

use domain::{BlobId, ConversationId, MessageId, RunnerId, Timestamp, TurnId};

/// The time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the current time, truncated to the microsecond.
    fn now(&self) -> Timestamp;
}

/// Creates ids, each greater than the previous one (`UUIDv7`).
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait IdSource: Send + Sync {
    /// Creates the id of a conversation.
    fn conversation(&self) -> ConversationId;
    /// Creates the id of a message.
    fn message(&self) -> MessageId;
    /// Creates the id of a turn.
    fn turn(&self) -> TurnId;
    /// Creates the id of a process that runs turns.
    fn runner(&self) -> RunnerId;
    /// Creates the id of a stored object.
    fn blob(&self) -> BlobId;
}

/// Random numbers for pauses, so that callers do not retry at the same time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Jitter: Send + Sync {
    /// Returns a number from 0 to 1, excluding 1.
    fn fraction(&self) -> f64;
}
