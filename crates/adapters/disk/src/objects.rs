//! Operations on files. All of them block.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files and directories are accessible to their owner alone.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// How often a put is tried if deletes at the same time remove its directory.
const TRIES: u32 = 100;
/// The end of the name of a file that is not complete yet.
const PART: &str = ".part";
/// What a check writes, and the name of its file.
const PROBE: &[u8] = b"probe";
const PROBE_NAME: &str = ".probe";

/// Writes a file completely or not at all. It is synced to the disk when this returns.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut tries = 1;
    loop {
        match replace_once(path, bytes) {
            // A delete removed the directory or the part, or a dead process left a part of this name.
            Err(error)
                if tries < TRIES
                    && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists) =>
            {
                tries += 1;
            }
            done => return done,
        }
    }
}

fn replace_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static PARTS: AtomicU64 = AtomicU64::new(0);
    let directory = parent(path)?;
    make_directory(directory)?;
    let number = PARTS.fetch_add(1, Ordering::Relaxed);
    let part = directory.join(format!("{}{}-{number}{PART}", part_prefix(path), std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&part)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // The error of the write is the one to report.
        let _ = fs::remove_file(&part);
    }
    written?;
    sync_directory(directory)
}

/// Deletes a file, the parts of it that interrupted puts left, and the directories that are empty afterwards.
pub(super) fn remove(root: &Path, path: &Path) -> io::Result<()> {
    remove_file(path)?;
    let mut directory = parent(path)?;
    let prefix = part_prefix(path);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(prefix.as_bytes()) && name.ends_with(PART.as_bytes()) {
            remove_file(&entry.path())?;
        }
    }
    // Stops at the first directory that is not empty, or that another delete has just removed.
    while directory != root && fs::remove_dir(directory).is_ok() {
        directory = parent(directory)?;
    }
    match sync_directory(directory) {
        Err(error) if is_absent(&error) => Ok(()),
        done => done,
    }
}

/// Writes a small file and removes it.
pub(super) fn write_probe(root: &Path) -> io::Result<()> {
    make_directory(root)?;
    let probe = root.join(PROBE_NAME);
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&probe);
    let written = written.and_then(|mut file| file.write_all(PROBE));
    // Another process may have removed it already; `remove_file` accepts that.
    let removed = remove_file(&probe);
    written.and(removed)
}

/// Creates a directory and those above it. Each is synced into the directory above it.
fn make_directory(directory: &Path) -> io::Result<()> {
    match make_one(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_directory(parent(directory)?)?;
            make_one(directory)
        }
        done => done,
    }
}

fn make_one(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
        Ok(()) => sync_directory(parent(directory)?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    match File::open(directory).and_then(|directory| directory.sync_all()) {
        // Some file systems do not support it, and a directory above ours may not be readable.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if is_absent(&error) => Ok(()),
        done => done,
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| ErrorKind::InvalidInput.into())
}

/// The start of the names of a file's parts.
fn part_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().map(|name| name.display().to_string()).unwrap_or_default())
}

/// The part that an interrupted put of an object leaves.
#[cfg(test)]
pub(super) fn abandoned_part(path: &Path) -> std::path::PathBuf {
    parent(path).unwrap().join(format!("{}1-0{PART}", part_prefix(path)))
}
