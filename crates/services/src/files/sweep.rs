//! Takes away the objects whose files are gone, or never came to be.

use std::time::Duration;

use domain::chain;
use ports::{BlobError, StoreError};

use super::Files;

/// How often objects are looked for: what was deleted for good is gone this soon.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often after a failure.
const SWEEP_AGAIN: Duration = Duration::from_secs(30);
/// How many are taken away at once.
const SWEPT_AT_ONCE: u32 = 100;
/// When an object that the storage will not take away is due again.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// There was nothing more to take away.
    All,
    /// There may be more.
    Some,
    /// The storage is away.
    Away,
}

impl Files {
    /// Begins to sweep. It goes on until all tasks have ended.
    pub fn start_sweeping(&self) {
        let files = self.clone();
        self.tasks.spawn_background(async move {
            let mut pause = SWEEP_EVERY;
            loop {
                tokio::time::sleep(pause).await;
                pause = match files.sweep().await {
                    Ok(Swept::All) => SWEEP_EVERY,
                    Ok(Swept::Some) => Duration::ZERO,
                    // Whoever needs the store says that it is away.
                    Ok(Swept::Away) | Err(_) => SWEEP_AGAIN,
                };
            }
        });
    }

    /// Takes away what is due.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn sweep(&self) -> Result<Swept, StoreError> {
        let due = self.store.pending_deletions(self.clock.now(), SWEPT_AT_ONCE).await?;
        let mut swept = if due.len() < SWEPT_AT_ONCE as usize { Swept::All } else { Swept::Some };
        let (mut gone, mut refused) = (Vec::new(), Vec::new());
        for blob in due {
            match self.blobs.delete(blob.clone()).await {
                Ok(()) => gone.push(blob),
                Err(error @ BlobError::Refused(_)) => {
                    tracing::warn!(error = %chain(&error), %blob, "a stored object could not be taken away");
                    refused.push(blob);
                }
                Err(error @ BlobError::Unavailable(_)) => {
                    tracing::warn!(error = %chain(&error), "stored objects cannot be taken away for now");
                    swept = Swept::Away;
                    break;
                }
            }
        }
        if !gone.is_empty() {
            self.store.confirm_deleted(gone).await?;
        }
        // Behind all others, so that what can never be taken away holds nothing up.
        for blob in refused {
            self.store.reserve(blob, self.clock.now() + TRY_AGAIN_AFTER).await?;
        }
        Ok(swept)
    }
}
