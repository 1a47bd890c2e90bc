//! Takes away the objects whose files are gone, or never came to be.

use std::time::Duration;

use domain::chain;
use ports::StoreError;

use super::Files;

/// How often objects are looked for: what was deleted for good is gone this soon.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often after a failure.
const SWEEP_AGAIN: Duration = Duration::from_secs(30);
/// When an object that could not be taken away is due again.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(5);
/// How many are taken away at once.
const SWEPT_AT_ONCE: u32 = 100;

impl Files {
    /// Begins to sweep. It goes on until all tasks have ended.
    pub fn start_sweeping(&self) {
        let files = self.clone();
        self.tasks.spawn_background(async move {
            let mut failing = false;
            loop {
                tokio::time::sleep(if failing { SWEEP_AGAIN } else { SWEEP_EVERY }).await;
                failing = match files.sweep().await {
                    Ok(left) => left > 0,
                    // Whoever needs the store says that it is away.
                    Err(_) => true,
                };
            }
        });
    }

    /// Takes away what is due. Answers how many objects could not be taken away.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let doomed = self.store.doomed(self.clock.now(), SWEPT_AT_ONCE).await?;
        let mut gone = Vec::new();
        let mut left = 0;
        for blob in doomed {
            match self.blobs.delete(blob.clone()).await {
                Ok(()) => gone.push(blob),
                Err(error) => {
                    left += 1;
                    // Behind all others, so that what can never be taken away holds nothing up.
                    self.store.reserve(blob.clone(), self.clock.now() + TRY_AGAIN_AFTER).await?;
                    tracing::warn!(error = %chain(&error), %blob, "a stored object could not be taken away");
                }
            }
        }
        if !gone.is_empty() {
            self.store.forget(gone).await?;
        }
        Ok(left)
    }
}
