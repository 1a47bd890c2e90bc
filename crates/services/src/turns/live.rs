//! The turns that this process runs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{TurnId, UserId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::log::TurnLog;

/// A turn that runs here.
#[derive(Debug)]
pub(super) struct LiveTurn {
    pub(super) owner: UserId,
    pub(super) log: Arc<TurnLog>,
    pub(super) since: Instant,
    /// Cancelled when the turn is to stop.
    pub(super) stop: CancellationToken,
    /// Cancelled when another process has ended the turn, or it was purged.
    pub(super) lost: CancellationToken,
    /// How much of the reply the store has. Locked during a checkpoint, so that `finish` comes after it.
    pub(super) kept: Arc<tokio::sync::Mutex<KeptDeltas>>,
}

/// How much of a running turn's reply the store has.
#[derive(Debug, Default)]
pub(super) struct KeptDeltas {
    /// The number of deltas that the store has.
    pub(super) count: usize,
    /// The number of deltas up to the end of the last chunk. If it is larger than `count`, the checkpoint failed, and
    /// the store may have that chunk or not.
    pub(super) offered: usize,
}

impl KeptDeltas {
    /// Returns the range of deltas for the next chunk, of a reply with so many deltas.
    ///
    /// After a failed checkpoint it is the same chunk again: a store that has a chunk ignores a second one with the same
    /// start, so further deltas in it would be missing for watchers and after a crash.
    pub(super) fn offer(&mut self, deltas: usize) -> Range<usize> {
        if self.offered == self.count {
            self.offered = deltas;
        }
        self.count..self.offered
    }

    /// Notes that the store has the last chunk.
    pub(super) fn confirm(&mut self) {
        self.count = self.offered;
    }
}

impl LiveTurn {
    pub(super) fn new(owner: UserId, log: Arc<TurnLog>) -> Self {
        Self {
            owner,
            log,
            since: Instant::now(),
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            kept: Arc::default(),
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
