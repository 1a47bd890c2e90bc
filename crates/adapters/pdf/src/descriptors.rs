//! The descriptors that a child process inherits.

use std::fs;
use std::os::fd::RawFd;

use nix::unistd::close;
use rustix::process::{Resource, getrlimit};

/// The directory that lists the open descriptors of this process.
const OPEN: &str = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
/// Standard input, output and error have the numbers below this one.
const FIRST_OTHER: RawFd = 3;
/// The highest number that is tried if they are not listed.
const LAST_TRIED: RawFd = 65_535;

/// Closes every descriptor but standard input, output and error.
///
/// The service opens all of its own so that a child does not inherit them, but what the service itself has inherited from
/// the process that started it may be open.
pub(crate) fn close_inherited() {
    // They are collected before the first is closed, because listing them needs one as well.
    for descriptor in listed().unwrap_or_else(possible) {
        // The one that listed the directory is closed already.
        let _ = close(descriptor);
    }
}

fn listed() -> Option<Vec<RawFd>> {
    let open = fs::read_dir(OPEN).ok()?;
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Some(numbers.filter(|number| *number >= FIRST_OTHER).collect())
}

/// Every number that a descriptor may have, for a system without `/proc`.
fn possible() -> Vec<RawFd> {
    let most = getrlimit(Resource::Nofile).current.and_then(|most| RawFd::try_from(most).ok());
    (FIRST_OTHER..=most.unwrap_or(LAST_TRIED).min(LAST_TRIED)).collect()
}
