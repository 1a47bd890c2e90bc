//! Watches a turn, running or ended, from any event on.

use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, Reply, TurnId, chain};
use ports::{StoreError, TurnRecord};

use super::log::{Listener, Outcome, TurnLog};
use super::{Inner, Turns, WatchError};

/// How often a turn of another process is looked up: as often as that process keeps text.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How many failed look-ups in a row end the watching.
const LOOKS: u32 = 40;

impl Turns {
    /// A listener to a turn of the caller's, from the event after `after` on, or from the first one.
    pub async fn watch(
        &self,
        caller: &Caller,
        turn: TurnId,
        after: Option<usize>,
    ) -> Result<Listener, WatchError> {
        let first = after.map_or(0, |number| number.saturating_add(1));
        if let Some(live) = self.inner.live.find(turn).filter(|live| live.owner == caller.user) {
            return Ok(live.log.listen(first));
        }
        let record = self.inner.store.find(caller.user, turn).await?.ok_or(WatchError::NotFound)?;
        let log = Arc::new(TurnLog::new(turn, record.conversation));
        let listener = log.listen(first);
        if let Some(rest) = catch_up(&log, record) {
            let inner = Arc::clone(&self.inner);
            let caller = caller.clone();
            self.inner.tasks.spawn_background(async move { inner.follow_elsewhere(caller, rest).await });
        }
        Ok(listener)
    }
}

/// Brings a log up to what the store knows. Answers the log while the turn still runs.
fn catch_up(log: &Arc<TurnLog>, record: TurnRecord) -> Option<Arc<TurnLog>> {
    let known = log.deltas();
    append(log, &record.reply.since(known));
    match record.ending {
        Some(ending) => {
            log.end(Outcome { ending, change: None, response: None });
            None
        }
        None => Some(Arc::clone(log)),
    }
}

fn append(log: &TurnLog, reply: &Reply) {
    log.append((0..reply.len()).filter_map(|index| reply.delta(index)));
}

impl Inner {
    /// Feeds a log from the checkpoints of another process, while somebody listens.
    async fn follow_elsewhere(&self, caller: Caller, log: Arc<TurnLog>) {
        let mut failed_looks = 0;
        while log.has_listeners() && failed_looks < LOOKS {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.store.find(caller.user, log.turn).await {
                Ok(Some(record)) => {
                    failed_looks = 0;
                    if catch_up(&log, record).is_none() {
                        return;
                    }
                }
                // Purged: nobody will end it, and whoever listens is let go.
                Ok(None) => return,
                Err(error) => {
                    failed_looks += 1;
                    Self::look_failed(&log, &error);
                }
            }
        }
    }

    fn look_failed(log: &TurnLog, error: &StoreError) {
        tracing::warn!(turn.id = %log.turn, error = %chain(error), "turn {} could not be looked up", log.turn);
    }
}
