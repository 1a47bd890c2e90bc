//! The ledger, for model calls beside turns. A turn's own call is written by [`crate::TurnStore::finish`], unless the
//! turn was lost.

use async_trait::async_trait;
use domain::{LedgerEntry, NanoDollars, Usage, UserId};

use crate::StoreError;

/// What model calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerTotals {
    /// How many calls.
    pub calls: u64,
    /// What they consumed.
    pub usage: Usage,
    /// What they cost.
    pub cost: NanoDollars,
}

/// The ledger: one row for each model call.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Adds a call that is no turn's own, or whose turn was lost: a title, a summary, a preview.
    async fn append(&self, entry: LedgerEntry) -> Result<(), StoreError>;

    /// What all calls of a user add up to, turns included.
    async fn totals(&self, user: UserId) -> Result<LedgerTotals, StoreError>;
}
