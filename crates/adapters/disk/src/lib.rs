//! File storage in a directory.
//!
//! The key of an object is its path below the directory. An object is written to another name and then renamed, so a
//! reader never sees half of it, and it is synced to the disk when `put` returns.

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

/// The time limit of writing or deleting an object.
const LIMIT: Duration = Duration::from_secs(30);
/// How many operations run at the same time. If the disk hangs, they must not take all threads of the blocking pool.
const AT_ONCE: usize = 16;
/// The time limit of a check.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// A directory of objects. Several processes may share it.
#[derive(Debug, Clone)]
pub struct DiskBlobs {
    root: PathBuf,
    running: Arc<Semaphore>,
    checking: Arc<Mutex<()>>,
}

impl DiskBlobs {
    /// The objects below this directory, which is created when it is needed.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        // This fails if there is no current directory; then each call fails with its own error.
        let root = std::path::absolute(&root).unwrap_or(root);
        Self { root, running: Arc::new(Semaphore::new(AT_ONCE)), checking: Arc::default() }
    }

    fn path(&self, key: &BlobKey) -> Result<PathBuf, BlobError> {
        // `..` leads out of the directory, and `a//b` and `./a` are other spellings of the same path. Names that begin
        // with a dot are those of our own temporary files.
        let is_plain = key.as_str().split('/').all(|name| !name.is_empty() && !name.starts_with('.'));
        if is_plain {
            Ok(self.root.join(key.as_str()))
        } else {
            Err(BlobError::Refused(Box::new(Failure::NotAPath(key.clone()))))
        }
    }

    /// Runs work that waits for the disk. Work that exceeds the limit goes on, and its result is dropped.
    async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let running = Arc::clone(&self.running);
        let done = async move {
            let permit = running.acquire_owned().await;
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
    async fn put(
        &self,
        key: BlobKey,
        bytes: ports::Bytes,
        _media_type: &'static str,
    ) -> Result<(), BlobError> {
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
        // If the disk hangs, checks must not take one thread each, so they wait for each other.
        let check = async {
            let checking = Arc::clone(&self.checking).lock_owned().await;
            let root = self.root.clone();
            let work = move || {
                let _checking = checking;
                objects::write_probe(&root)
            };
            self.run(LIMIT, work).await
        };
        let too_slow = |_| Err(BlobError::Unavailable(Box::new(self.too_slow(CHECK_LIMIT))));
        timeout(CHECK_LIMIT, check).await.unwrap_or_else(too_slow)
    }
}

/// A failure as it is logged.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the key {0:?} is not a plain path")]
    NotAPath(BlobKey),
    #[error("a file below {} cannot be written or deleted", root.display())]
    Disk { root: PathBuf, source: io::Error },
    #[error("the disk of {} took longer than {limit:?}", root.display())]
    TooSlow { root: PathBuf, limit: Duration },
}
