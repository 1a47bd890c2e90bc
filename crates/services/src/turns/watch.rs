//! Watches a turn, running or ended, from any event on.

use std::sync::Arc;

use domain::{Caller, TurnId};
use ports::TurnRecord;

use super::log::{Listener, Outcome, TurnLog};
use super::{Turns, WatchError};

impl Turns {
    /// Returns a listener to a turn of the caller, from the event after `after` on, or from the first one.
    ///
    /// If this process runs the turn, the listener reads its log. If another one does, the turn is followed, once for
    /// all watchers. An ended turn is read from the store. The store is asked for each watcher, which may not see the
    /// turn any more.
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
        let record = self.inner.setup.turns.find(caller.user, turn).await?.ok_or(WatchError::NotFound)?;
        let log = Arc::new(TurnLog::new(turn, record.conversation));
        let is_running = record.ending.is_none();
        log.append_record(record);
        if is_running {
            return Ok(self.inner.follow(caller.user, log, first));
        }
        Ok(log.listen(first))
    }
}

impl TurnLog {
    /// Appends what the store has of the turn beyond this log: deltas, and the ending if there is one.
    pub(super) fn append_record(&self, record: TurnRecord) {
        let TurnRecord { turn: _, conversation: _, reply, ending } = record;
        self.append((0..reply.len()).filter_map(|index| reply.delta(index)));
        if let Some(ending) = ending {
            self.end(Outcome { ending, change: None, response: None });
        }
    }
}
