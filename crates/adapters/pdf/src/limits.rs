//! What a child may take.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};

/// Bytes of address space, the binary's own included.
const ADDRESS_SPACE: u64 = 512 * 1024 * 1024;
/// Seconds of processor time.
const PROCESSOR_SECONDS: u64 = 5;
/// Standard input, output and error: nothing else can be opened, neither a file nor a socket.
const FILES: u64 = 3;
/// By how much a child lets others go first.
const NICENESS: i32 = 5;

/// Gives up, for good, what reading one document does not need.
pub(crate) fn impose() -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nofile, FILES)?;
    limit(Resource::Cpu, PROCESSOR_SECONDS)?;
    limit(Resource::As, ADDRESS_SPACE)?;
    nice(NICENESS)?;
    Ok(())
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    // A lower bound that stands already cannot be raised, and need not be.
    let most = getrlimit(resource).maximum.map_or(most, |present| present.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}
