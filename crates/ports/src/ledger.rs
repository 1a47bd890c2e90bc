//! The ledger of model calls. The call of a turn is written by [`crate::TurnStore::finish`], unless another process
//! ended the turn.

use async_trait::async_trait;
use domain::{LedgerEntry, NanoDollars, Usage, UserId};

use crate::StoreError;

/// The totals of model calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerTotals {
    /// The number of calls.
    pub calls: u64,
    /// Their tokens.
    pub usage: Usage,
    /// Their cost.
    pub cost: NanoDollars,
}

/// The ledger: one row for each model call.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Adds a call that no `finish` writes: a title, a summary, a preview, or a turn that another process ended.
    async fn append(&self, entry: LedgerEntry) -> Result<(), StoreError>;

    /// Returns the totals of all calls of a user.
    async fn totals(&self, user: UserId) -> Result<LedgerTotals, StoreError>;
}
