//! Changes single messages.

use async_trait::async_trait;
use domain::{MessageNumber, Timestamp, UserId};

use crate::StoreError;

/// The result of deleting a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageDeletion {
    /// It no longer appears in lists, requests and views. Totals and the ledger stay.
    Deleted,
    /// It belongs to a running turn, so it was not deleted.
    Running,
    /// It belongs to another user.
    Foreign,
    /// It does not exist, or it or its conversation is deleted.
    Absent,
}

/// Single messages of conversations with a persona (contract S4).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Removes the content of a message and hides it. Its row stays in the tree. Messages of conversations without a
    /// persona are absent.
    async fn delete(
        &self,
        caller: UserId,
        message: MessageNumber,
        at: Timestamp,
    ) -> Result<MessageDeletion, StoreError>;
}
