//! The limits that a child process sets for itself.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The limit of the address space in bytes, the program included.
const ADDRESS_SPACE: u64 = 512 * 1024 * 1024;
/// The limit of CPU time, in seconds.
const PROCESSOR_SECONDS: u64 = 5;
/// Reading ends with the pages that it has at seven tenths of [`PROCESSOR_SECONDS`], or of the ten seconds that the
/// application gives a document by the clock.
const ENOUGH_PROCESSOR_TIME: Duration = Duration::from_millis(3_500);
const ENOUGH_TIME: Duration = Duration::from_secs(7);
/// The limit of open files: standard input, output and error. Neither a file nor a socket can be opened.
const FILES: u64 = 3;
/// The lower priority of a child.
const NICENESS: i32 = 5;

/// Lowers the limits of this process for good to what reading one document needs.
pub(crate) fn impose() -> io::Result<()> {
    // It gains no rights from a program that it might start.
    #[cfg(target_os = "linux")]
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, FILES)?;
    limit(Resource::Cpu, PROCESSOR_SECONDS)?;
    limit(Resource::As, ADDRESS_SPACE)?;
    nice(NICENESS)?;
    Ok(())
}

/// Tells when reading must end with the pages that it has, before a limit ends the process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
}

impl Deadline {
    /// The deadline of a process that has just been started.
    pub(crate) fn from_now() -> Self {
        Self { started: Instant::now() }
    }

    pub(crate) fn has_passed(self) -> bool {
        let processor_time =
            Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or(Duration::MAX);
        ENOUGH_PROCESSOR_TIME < processor_time || ENOUGH_TIME < self.started.elapsed()
    }
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    // If a lower limit is set already, it stays: it cannot be raised.
    let most = getrlimit(resource).maximum.map_or(most, |present| present.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
