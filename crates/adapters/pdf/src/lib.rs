//! The text of PDFs, read in a process of its own.
//!
//! A hostile PDF can make any reader loop, overflow its stack or take all memory, and no library can be trusted not to.
//! So [`PdfReader`] hands each document to a child, the same binary again, which runs [`child_main`]: it gives up what
//! it does not need, reads the document from its standard input and writes the result to its standard output. Whatever happens to
//! the child happens to that document alone.

mod child;
mod limits;
mod reader;
mod reader_result;
mod text;

pub use child::child_main;
pub use reader::{PdfReader, PdfSettings};
