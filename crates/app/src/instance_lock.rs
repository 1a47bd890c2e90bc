//! Makes sure that only one process serves an SQLite file. At its start a process ends all running turns in the file,
//! so a second process would end those of the first.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context, bail};

/// A lock that is held while the process serves. The operating system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct InstanceLock(
    #[expect(dead_code, reason = "the lock lives as long as its file is open")] File,
);

impl InstanceLock {
    /// Takes the lock of a database file: a file beside it that ends in `.lock`.
    pub(crate) fn take(database: &Path) -> anyhow::Result<Self> {
        let path = database.with_extension("lock");
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)
                .with_context(|| format!("DATA_DIR: {} cannot be created", directory.display()))?;
        }
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another process serves {} already: set another DATA_DIR, or use PostgreSQL",
                    database.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", path.display()))
            }
        }
    }
}
