//! The child: one document in, one result out.

use std::io::{self, BufWriter, Read, Write};
use std::panic;
use std::process::ExitCode;

use crate::reader_result::{ReadError, ReaderResult};
use crate::{limits, text};

/// Bytes of the largest document.
const DOCUMENT_BYTES: u64 = domain::limits::PDF_MB as u64 * 1024 * 1024;

/// Reads a PDF from standard input and writes what it says to standard output, as JSON.
///
/// It must be the first thing that its process does: whatever else the process holds is within reach of a hostile
/// document. Afterwards the process is of no more use, as its limits are lowered for good.
#[must_use]
pub fn child_main() -> ExitCode {
    // A panic's message may quote the document; its location does not.
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

fn read_document() -> io::Result<()> {
    limits::impose()?;
    let mut document = Vec::new();
    io::stdin().lock().take(DOCUMENT_BYTES + 1).read_to_end(&mut document)?;
    let is_too_large = document.len() as u64 > DOCUMENT_BYTES;
    let read = if is_too_large { Err(ReadError::TooComplex) } else { text::read(&document) };
    let mut output = BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut output, &ReaderResult::from(read))?;
    output.flush()
}
