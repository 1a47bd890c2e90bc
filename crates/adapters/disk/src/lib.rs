//! Stored objects as files below one directory.
//!
//! An object's key is its path. An object appears and is replaced by a rename, so a reader never sees a part of one, and
//! what was kept is on the disk when `put` returns.

mod objects;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{BlobKey, FileName};
use ports::{BlobError, Blobs};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long keeping or deleting an object may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How much is done at once. On a disk that hangs, work must not take all the threads that others need.
const AT_ONCE: usize = 16;
/// How long a check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// A directory of objects. Several processes may share it.
#[derive(Debug, Clone)]
pub struct DiskBlobs {
    root: PathBuf,
    working: Arc<Semaphore>,
    checking: Arc<Mutex<()>>,
}

impl DiskBlobs {
    /// The objects below this directory, which is made when it is needed.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        // Without a current directory there is nothing to complete it with, and each call says so.
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, working: Arc::new(Semaphore::new(AT_ONCE)), checking: Arc::default() }
    }

    fn path(&self, key: &BlobKey) -> Result<PathBuf, BlobError> {
        // Nothing that leads elsewhere, or that another key leads to as well. A name with a dot in front is one of ours.
        let is_plain = key.as_str().split('/').all(|name| !name.is_empty() && !name.starts_with('.'));
        if is_plain {
            Ok(self.root.join(key.as_str()))
        } else {
            Err(BlobError::Refused(Box::new(Failure::NotAPath(key.clone()))))
        }
    }

    /// Does work that waits for the disk; work that is not done in time goes on, and its result is dropped.
    async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let working = Arc::clone(&self.working);
        let done = async move {
            let permit = working.acquire_owned().await;
            let work = move || {
                let _permit = permit;
                work()
            };
            spawn_blocking(work).await
        };
        match timeout(limit, done).await {
            Ok(Ok(done)) => done.map_err(|error| self.classify(error)),
            Ok(Err(panicked)) => Err(BlobError::Unavailable(Box::new(panicked))),
            Err(_) => Err(BlobError::Unavailable(Box::new(self.too_slow(limit)))),
        }
    }

    fn classify(&self, error: io::Error) -> BlobError {
        use io::ErrorKind as Kind;
        let refuses = matches!(
            error.kind(),
            Kind::PermissionDenied
                | Kind::ReadOnlyFilesystem
                | Kind::NotADirectory
                | Kind::IsADirectory
                | Kind::InvalidFilename
                | Kind::InvalidInput
        );
        let failure = Box::new(Failure::Disk { root: self.root.clone(), source: error });
        if refuses { BlobError::Refused(failure) } else { BlobError::Unavailable(failure) }
    }

    fn too_slow(&self, limit: Duration) -> Failure {
        Failure::TooSlow { root: self.root.clone(), limit }
    }
}

#[async_trait]
impl Blobs for DiskBlobs {
    async fn put(&self, key: BlobKey, bytes: Arc<[u8]>, _media_type: &'static str) -> Result<(), BlobError> {
        let path = self.path(&key)?;
        self.run(LIMIT, move || objects::replace(&path, &bytes)).await
    }

    async fn delete(&self, key: BlobKey) -> Result<(), BlobError> {
        let (root, path) = (self.root.clone(), self.path(&key)?);
        self.run(LIMIT, move || objects::remove(&root, &path)).await
    }

    async fn link(&self, _key: BlobKey, _name: FileName) -> Result<Option<String>, BlobError> {
        Ok(None)
    }

    async fn check(&self) -> Result<(), BlobError> {
        // On a disk that hangs, checks must not take one thread each: they wait for each other instead.
        let check = async {
            let checking = Arc::clone(&self.checking).lock_owned().await;
            let root = self.root.clone();
            let work = move || {
                let _checking = checking;
                objects::try_out(&root)
            };
            self.run(LIMIT, work).await
        };
        let too_slow = |_| Err(BlobError::Unavailable(Box::new(self.too_slow(CHECK_LIMIT))));
        timeout(CHECK_LIMIT, check).await.unwrap_or_else(too_slow)
    }
}

/// What a log says of a failure.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the key {0:?} is not a plain path")]
    NotAPath(BlobKey),
    #[error("a file below {} cannot be kept or deleted", root.display())]
    Disk { root: PathBuf, source: io::Error },
    #[error("the disk of {} took longer than {limit:?}", root.display())]
    TooSlow { root: PathBuf, limit: Duration },
}
