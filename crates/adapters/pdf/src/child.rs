//! The child process: it reads one document and writes one result.

use std::io::{self, BufWriter, Read, Write};
use std::panic;
use std::process::ExitCode;

use crate::limits::Deadline;
use crate::reader_result::{ReadError, ReaderResult};
use crate::{descriptors, limits, system_calls, text};

/// The limit of a document, in bytes.
const DOCUMENT_BYTES: u64 = domain::limits::PDF_MB as u64 * 1024 * 1024;

/// What standard error begins with if the system cannot restrict system calls.
pub(crate) const UNRESTRICTED: &str = "system calls cannot be restricted";

/// Reads a PDF from standard input and writes its text to standard output, as JSON.
///
/// It must be the first thing that the process does, because a hostile document may get at anything that the process
/// holds. It [confines](confine) the process for good, so nothing else can be done afterwards.
#[must_use]
pub fn child_main() -> ExitCode {
    // The message of a panic may quote the document, so only its location is printed.
    panic::set_hook(Box::new(|panic| match panic.location() {
        Some(location) => eprintln!("panicked at {location}"),
        None => eprintln!("panicked"),
    }));
    match read_document() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Takes from this process, for good, what reading a document does not need: inherited descriptors, most of its memory and
/// CPU time, and most system calls.
///
/// Where the system cannot restrict system calls, standard error says so, and the other limits hold. If anything else
/// fails, no document must be read.
pub fn confine() -> io::Result<()> {
    descriptors::close_inherited();
    limits::impose()?;
    match system_calls::restrict() {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            eprintln!("{UNRESTRICTED}: {error}");
            Ok(())
        }
        restricted => restricted,
    }
}

fn read_document() -> io::Result<()> {
    let deadline = Deadline::from_now();
    confine()?;
    let mut document = Vec::new();
    io::stdin().lock().take(DOCUMENT_BYTES + 1).read_to_end(&mut document)?;
    let is_too_large = document.len() as u64 > DOCUMENT_BYTES;
    let read = if is_too_large { Err(ReadError::TooComplex) } else { text::read(document, deadline) };
    let mut output = BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut output, &ReaderResult::from(read))?;
    output.flush()
}
