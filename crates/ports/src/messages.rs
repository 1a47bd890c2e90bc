//! Single messages.

use async_trait::async_trait;
use domain::{MessageNumber, Timestamp, UserId};

use crate::StoreError;

/// What came of deleting a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageDeletion {
    /// It is gone from lists, prompts and views; totals and ledger stay.
    Deleted,
    /// It belongs to the turn that runs.
    Running,
    /// It is somebody else's.
    Foreign,
    /// There is none, or it is deleted, or its conversation is.
    Absent,
}

/// The messages of conversations with a persona, one by one (contract S4).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Empties a message and hides it; its row stays in the tree. Messages of conversations without a persona are
    /// absent.
    async fn delete(
        &self,
        caller: UserId,
        message: MessageNumber,
        at: Timestamp,
    ) -> Result<MessageDeletion, StoreError>;
}
