//! Work on the disk. Everything here waits for it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files are their owner's alone, and so are directories.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// How often a put begins anew where deletes take its directory away.
const TRIES: u32 = 100;
/// What the name of a file ends with that is not whole yet.
const PART: &str = ".part";
/// What a check writes, and how it is called.
const PROBE: &[u8] = b"probe";
const PROBE_NAME: &str = ".probe";

/// Keeps a file, whole or not at all, and survives a power cut once it answers.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut tries = 1;
    loop {
        match replace_once(path, bytes) {
            // A delete took the directory or the part away, or a process that is gone has left a part of this name.
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
    let kept = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&part, path));
    if kept.is_err() {
        // The first failure is the one to tell.
        let _ = fs::remove_file(&part);
    }
    kept?;
    sync_directory(directory)
}

/// Deletes a file, what puts of it that were cut off have left, and the directories that are empty then.
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
    // A directory that holds something stays, and so does one that another delete has just taken.
    while directory != root && fs::remove_dir(directory).is_ok() {
        directory = parent(directory)?;
    }
    match sync_directory(directory) {
        Err(error) if is_absent(&error) => Ok(()),
        done => done,
    }
}

/// Writes a small file and takes it away again.
pub(super) fn try_out(root: &Path) -> io::Result<()> {
    make_directory(root)?;
    let probe = root.join(PROBE_NAME);
    let written = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&probe);
    let written = written.and_then(|mut file| file.write_all(PROBE));
    // Another process may have taken it away.
    let removed = remove_file(&probe);
    written.and(removed)
}

/// Makes a directory and those above it; each is entered into the one above it for good.
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
        // Some file systems cannot do it, and a directory above ours may be closed to readers.
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

/// What the names of a file's parts begin with.
fn part_prefix(path: &Path) -> String {
    format!(".{}.", path.file_name().map(|name| name.display().to_string()).unwrap_or_default())
}

/// The part of an object whose put was cut off before it was whole.
#[cfg(test)]
pub(super) fn abandoned_part(path: &Path) -> std::path::PathBuf {
    parent(path).unwrap().join(format!("{}1-0{PART}", part_prefix(path)))
}
