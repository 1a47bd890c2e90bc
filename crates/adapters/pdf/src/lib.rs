//! Extracts the text of PDFs, each in a child process.
//!
//! A hostile PDF can make a reader loop, overflow its stack or use up the memory, and no library is safe from that. So
//! [`PdfReader`] gives each document to a child process: the same program again, which runs [`child_main`]. The child
//! confines itself, reads the document from standard input and writes the result to standard output. If it fails, only that
//! document is affected.

mod child;
mod descriptors;
mod limits;
mod reader;
mod reader_result;
mod system_calls;
mod text;

pub use child::{child_main, confine};
pub use reader::{PdfReader, PdfSettings};
