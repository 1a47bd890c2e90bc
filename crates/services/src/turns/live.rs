//! The turns that this process runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

use domain::{TurnId, UserId};
use tokio_util::sync::CancellationToken;

use super::log::TurnLog;

/// A turn that runs here.
#[derive(Debug)]
pub(super) struct LiveTurn {
    pub(super) owner: UserId,
    pub(super) log: Arc<TurnLog>,
    pub(super) since: Instant,
    /// Cancelled when somebody stops the turn.
    pub(super) stop: CancellationToken,
    /// Cancelled when the turn is no longer ours to write.
    pub(super) lost: CancellationToken,
    /// How many deltas the store has. Locked while a checkpoint is on its way, so that `finish` comes after it.
    pub(super) kept: Arc<tokio::sync::Mutex<usize>>,
}

impl LiveTurn {
    pub(super) fn new(owner: UserId, log: Arc<TurnLog>) -> Self {
        let kept = Arc::new(tokio::sync::Mutex::new(0));
        Self {
            owner,
            log,
            since: Instant::now(),
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            kept,
        }
    }
}

/// All turns that run here, by id.
#[derive(Debug, Default)]
pub(super) struct LiveTurns {
    turns: Mutex<HashMap<TurnId, Arc<LiveTurn>>>,
}

impl LiveTurns {
    pub(super) fn insert(&self, turn: Arc<LiveTurn>) {
        self.turns().insert(turn.log.turn, turn);
    }

    pub(super) fn remove(&self, turn: TurnId) {
        self.turns().remove(&turn);
    }

    pub(super) fn find(&self, turn: TurnId) -> Option<Arc<LiveTurn>> {
        self.turns().get(&turn).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<LiveTurn>> {
        self.turns().values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.turns().len()
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<TurnId, Arc<LiveTurn>>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
