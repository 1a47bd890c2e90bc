//! Follows turns that other processes run: one call of the store in each period, for all turns and all watchers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::{TurnId, UserId, chain};
use ports::{FollowedTurn, TurnRecord};
use tracing::Instrument as _;

use super::Inner;
use super::log::{Listener, TurnLog};

/// How often the store is asked: as often as other processes store the text of their turns.
const PERIOD: Duration = Duration::from_millis(250);
/// After so many failed calls in a row, watchers wait no longer.
const MAX_FAILURES: u32 = 40;

/// The turns of other processes that are watched through this one. All watchers of a turn share its log.
///
/// One task writes the logs. It starts with the first watcher and ends when no turn has a watcher.
#[derive(Debug, Default)]
pub(super) struct FollowedTurns {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    turns: HashMap<TurnId, Followed>,
    has_task: bool,
}

#[derive(Debug, Clone)]
struct Followed {
    owner: UserId,
    log: Arc<TurnLog>,
}

impl FollowedTurns {
    /// Begins to follow a turn, if it is not followed yet. Returns a listener to the log that all its watchers share,
    /// and whether a task must be started.
    fn add(&self, owner: UserId, log: Arc<TurnLog>, first: usize) -> (Listener, bool) {
        let mut state = self.state();
        let followed = state.turns.entry(log.turn).or_insert(Followed { owner, log });
        // Under the lock: a log without listeners is dropped.
        let listener = followed.log.listen(first);
        let needs_task = !state.has_task;
        state.has_task = true;
        (listener, needs_task)
    }

    /// Returns the turns that have watchers, and drops the others. If there are none, the task must end.
    fn watched(&self) -> Option<Vec<Followed>> {
        let mut state = self.state();
        state.turns.retain(|_, followed| followed.log.has_listeners());
        if state.turns.is_empty() {
            state.has_task = false;
            return None;
        }
        Some(state.turns.values().cloned().collect())
    }

    /// Appends what is new to the logs of the turns that were asked about. A turn that is missing in the answer can be
    /// followed no longer.
    fn write(&self, asked: Vec<Followed>, news: Vec<TurnRecord>) {
        let mut news: HashMap<TurnId, TurnRecord> =
            news.into_iter().map(|record| (record.turn, record)).collect();
        for Followed { log, .. } in asked {
            let record = news.remove(&log.turn);
            let is_running = record.as_ref().is_some_and(|record| record.ending.is_none());
            if !is_running {
                // Before the log ends: a watcher that comes now reads the ending from the store.
                self.state().turns.remove(&log.turn);
            }
            match record {
                Some(record) => log.append_record(record),
                None => log.close(),
            }
        }
    }

    /// Stops following all turns; their logs end without a last event.
    fn close_all(&self) {
        let mut state = self.state();
        state.has_task = false;
        for (_, followed) in state.turns.drain() {
            followed.log.close();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Follows a turn of another process, from a log with what the store had of it just now. If the turn is followed
    /// already, that log is used.
    pub(super) fn follow(self: &Arc<Self>, owner: UserId, log: Arc<TurnLog>, first: usize) -> Listener {
        let (listener, needs_task) = self.followed.add(owner, log, first);
        if needs_task {
            let task = FollowTask { inner: Arc::clone(self), is_done: false };
            // It serves many requests, so its log lines belong to the span of none of them.
            let span = tracing::info_span!(parent: None, "follow");
            self.setup.tasks.spawn_background(task.run().instrument(span));
        }
        listener
    }
}

/// The task that asks the store. If a panic or a shutdown ends it early, the watchers are not left waiting.
struct FollowTask {
    inner: Arc<Inner>,
    is_done: bool,
}

impl FollowTask {
    async fn run(mut self) {
        let mut failures = 0;
        loop {
            tokio::time::sleep(PERIOD).await;
            let Some(asked) = self.inner.followed.watched() else { break };
            match self.inner.setup.events.news(asked.iter().map(FollowedTurn::from).collect()).await {
                Ok(news) => {
                    failures = 0;
                    self.inner.followed.write(asked, news);
                }
                Err(error) => {
                    failures += 1;
                    if failures == 1 {
                        tracing::warn!(error = %chain(&error), "turns of other processes cannot be followed");
                    }
                    if failures == MAX_FAILURES {
                        tracing::warn!(turns = asked.len(), "gave up following turns of other processes");
                        self.inner.followed.close_all();
                        break;
                    }
                }
            }
        }
        self.is_done = true;
    }
}

impl Drop for FollowTask {
    fn drop(&mut self) {
        if !self.is_done {
            self.inner.followed.close_all();
        }
    }
}

impl From<&Followed> for FollowedTurn {
    fn from(followed: &Followed) -> Self {
        let Followed { owner, log } = followed;
        // A reply cannot have as many deltas as that.
        let known = u32::try_from(log.deltas()).unwrap_or(u32::MAX);
        Self { caller: *owner, turn: log.turn, known }
    }
}
