//! Following turns that another process runs.

use async_trait::async_trait;
use domain::{TurnId, UserId};

use crate::{StoreError, TurnRecord};

/// A turn that is followed, and how much of it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedTurn {
    /// The user who watches it; another user's turn is not found.
    pub caller: UserId,
    /// The turn.
    pub turn: TurnId,
    /// How many deltas of its reply are known. A running turn's text is kept in chunks, and this is the end of one, or 0.
    pub known: u32,
}

/// How a process learns of the events of turns that other processes run.
///
/// A process publishes its own turns by [`TurnStore::checkpoint`](crate::TurnStore::checkpoint) and
/// [`TurnStore::finish`](crate::TurnStore::finish), and by nothing else: so no process shows an event that is not
/// stored (`docs/decisions/007-turn-events.md`).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TurnEvents: Send + Sync {
    /// What is new of these turns, in any order. A record's `reply` holds the deltas after the known ones alone: of a
    /// running turn those that are kept by now, which may be none; of an ended one all that are left.
    ///
    /// A turn that is missing in the answer has no more events: it was purged, its conversation is deleted, or what is
    /// stored of it cannot be read, which the adapter writes to the log.
    async fn news(&self, followed: Vec<FollowedTurn>) -> Result<Vec<TurnRecord>, StoreError>;
}
