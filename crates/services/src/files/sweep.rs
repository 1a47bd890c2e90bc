//! Deletes stored objects whose files were deleted or never attached.

use std::time::Duration;

use domain::chain;
use ports::{BlobError, StoreError};

use super::Files;

/// The pause between two sweeps: an object is deleted this soon after its file.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// The pause after a failure.
const SWEEP_AGAIN: Duration = Duration::from_secs(30);
/// The most objects of one sweep.
const OBJECTS_PER_SWEEP: u32 = 100;
/// When an object that the storage refused to delete is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// The result of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepResult {
    /// All objects that were due are deleted.
    Complete,
    /// More objects may be due.
    Partial,
    /// The storage is not available.
    StorageUnavailable,
}

impl Files {
    /// Starts sweeping in the background, until all tasks have ended.
    pub fn start_sweeping(&self) {
        let files = self.clone();
        self.setup.tasks.spawn_background(async move {
            let mut pause = SWEEP_EVERY;
            loop {
                tokio::time::sleep(pause).await;
                pause = match files.sweep().await {
                    Ok(SweepResult::Complete) => SWEEP_EVERY,
                    Ok(SweepResult::Partial) => Duration::ZERO,
                    // Requests that need the store log its failure.
                    Ok(SweepResult::StorageUnavailable) | Err(_) => SWEEP_AGAIN,
                };
            }
        });
    }

    /// Deletes the objects that are due.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sweep(&self) -> Result<SweepResult, StoreError> {
        let due = self.setup.store.pending_deletions(self.setup.clock.now(), OBJECTS_PER_SWEEP).await?;
        let mut result =
            if due.len() < OBJECTS_PER_SWEEP as usize { SweepResult::Complete } else { SweepResult::Partial };
        let (mut deleted, mut refused) = (Vec::new(), Vec::new());
        for blob in due {
            match self.setup.blobs.delete(blob.clone()).await {
                Ok(()) => deleted.push(blob),
                Err(error @ BlobError::Refused(_)) => {
                    tracing::warn!(error = %chain(&error), %blob, "a stored object could not be deleted");
                    refused.push(blob);
                }
                Err(error @ BlobError::Unavailable(_)) => {
                    tracing::warn!(error = %chain(&error), "stored objects cannot be deleted for now");
                    result = SweepResult::StorageUnavailable;
                    break;
                }
            }
        }
        if !deleted.is_empty() {
            self.setup.store.confirm_deleted(deleted).await?;
        }
        // They come after all others, so that an object that can never be deleted does not block the rest.
        for blob in refused {
            self.setup.store.reserve(blob, self.setup.clock.now() + TRY_AGAIN_AFTER).await?;
        }
        Ok(result)
    }
}
