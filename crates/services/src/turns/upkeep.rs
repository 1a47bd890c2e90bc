//! The background work of a process: renews its lease, holds its lock, ends the turns of dead processes, and stores
//! partial text.

use std::sync::Arc;
use std::time::Duration;

use domain::chain;
use ports::{Chunk, StoreError};

use super::{Inner, Turns};

impl Turns {
    /// Takes the lease of this process and ends the turns of dead processes, once.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recover_orphans(&self) -> Result<(), StoreError> {
        self.inner.renew_and_reap().await?;
        self.inner.reap_unlocked().await
    }

    /// Starts the background work, until all turns have ended.
    pub fn start_upkeep(&self) {
        let tasks = &self.inner.setup.tasks;
        let inner = Arc::clone(&self.inner);
        tasks.spawn_background(async move { inner.setup.runners.hold_lock(inner.runner).await });
        let inner = Arc::clone(&self.inner);
        tasks.spawn_background(async move { inner.keep_lease().await });
        let inner = Arc::clone(&self.inner);
        tasks.spawn_background(async move { inner.watch_locks().await });
        let inner = Arc::clone(&self.inner);
        tasks.spawn_background(async move { inner.store_text().await });
    }

    /// Gives the lease back. Called when no turn is running any more.
    pub async fn retire(&self) {
        if let Err(error) = self.inner.setup.runners.retire(self.inner.runner).await {
            tracing::warn!(error = %chain(&error), "the lease of this process could not be given back");
        }
    }
}

impl Inner {
    async fn keep_lease(&self) {
        let renew = || self.renew_and_reap();
        let failure = "the lease of this process could not be renewed";
        Self::repeat(self.setup.settings.renew_every, renew, failure).await;
    }

    async fn watch_locks(&self) {
        let look = || self.reap_unlocked();
        let failure = "the locks of other processes could not be read";
        Self::repeat(self.setup.settings.watch_locks_every, look, failure).await;
    }

    /// Does this for ever, with a pause before each time. Of several failures in a row, the first one is logged.
    async fn repeat<F>(pause: Duration, work: impl Fn() -> F, failure: &str)
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut is_failing = false;
        loop {
            tokio::time::sleep(pause).await;
            match work().await {
                Ok(()) => is_failing = false,
                Err(error) if !is_failing => {
                    is_failing = true;
                    tracing::warn!(error = %chain(&error), "{failure}");
                }
                Err(_) => {}
            }
        }
    }

    async fn renew_and_reap(&self) -> Result<(), StoreError> {
        self.setup.runners.renew(self.runner).await?;
        Self::log_ended(self.setup.runners.reap(self.runner, self.setup.clock.now()).await?);
        Ok(())
    }

    async fn reap_unlocked(&self) -> Result<(), StoreError> {
        Self::log_ended(self.setup.runners.reap_unlocked(self.runner, self.setup.clock.now()).await?);
        Ok(())
    }

    fn log_ended(turns: u64) {
        if turns > 0 {
            tracing::warn!(turns, "ended {turns} turns of dead processes");
        }
    }

    async fn store_text(&self) {
        loop {
            tokio::time::sleep(self.setup.settings.checkpoint_every).await;
            if let Err(error) = self.checkpoint().await {
                tracing::warn!(error = %chain(&error), "partial text could not be stored");
            }
        }
    }

    /// Stores the new text of all turns in one statement, and acts on the requests of other processes.
    /// A turn that is younger than one period is skipped, because most turns end before the next one.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        let mut turns = Vec::new();
        for live in self.live.all() {
            if live.since.elapsed() < self.setup.settings.checkpoint_every {
                continue;
            }
            // A turn whose count is locked is about to end.
            if let Ok(mut kept) = Arc::clone(&live.kept).try_lock_owned() {
                let deltas = live.log.slice(kept.offer(live.log.deltas()));
                turns.push((live, kept, deltas));
            }
        }
        if turns.is_empty() {
            return Ok(());
        }
        let running = turns.iter().map(|(live, ..)| live.log.turn).collect();
        let new = turns.iter().filter(|(.., deltas)| !deltas.is_empty());
        let chunks = new.map(|(live, kept, deltas)| Chunk {
            turn: live.log.turn,
            first: u32::try_from(kept.count).unwrap_or(u32::MAX),
            deltas: deltas.clone(),
        });
        let signals = self.setup.turns.checkpoint(self.runner, running, chunks.collect()).await?;
        for (live, mut kept, _) in turns {
            kept.confirm();
            if signals.stop.contains(&live.log.turn) {
                live.stop.cancel();
            }
            if signals.lost.contains(&live.log.turn) {
                live.lost.cancel();
            }
        }
        Ok(())
    }
}
