//! Extracts the text of a document. Only this module and its children use the PDF library; [`read`] is their one
//! function.

mod content;
mod font;
mod glyphs;
mod layout;
mod matrix;
mod resources;
mod widths;

use std::collections::HashSet;

use domain::limits::FILE_TEXT_BYTES;
use lopdf::{DecompressError, Document, Error, LoadOptions, ObjectId};
use ports::Extracted;

use crate::reader_result::ReadError;
use content::Reader;

/// The limit of pages.
const PAGES: usize = 500;
/// The limit, in bytes, of one unpacked stream, and of the content of one page.
const STREAM_BYTES: usize = 64 * 1024 * 1024;

/// Reads a PDF: the number of its pages, and their text in the order in which it is drawn, with a blank line between
/// two pages.
pub(crate) fn read(pdf: &[u8]) -> Result<Extracted, ReadError> {
    let options = LoadOptions::with_max_decompressed_size(STREAM_BYTES);
    let document = Document::load_mem_with_options(pdf, options).map_err(|error| classify(&error))?;
    // The library has already tried the empty password.
    if document.is_encrypted() {
        return Err(ReadError::Encrypted);
    }
    let pages = pages(&document)?;
    let mut reader = Reader::new(&document);
    let mut text = String::new();
    for page in &pages {
        let page = match reader.page(*page) {
            Ok(page) => readable(&page),
            Err(error) if is_limit(&error) => return Err(ReadError::TooComplex),
            // A broken page is left out; the other pages are kept.
            Err(_) => continue,
        };
        if page.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&page);
        if text.len() >= FILE_TEXT_BYTES {
            text.truncate(text.floor_char_boundary(FILE_TEXT_BYTES));
            break;
        }
    }
    let pages = u32::try_from(pages.len()).map_err(|_| ReadError::TooComplex)?;
    Ok(Extracted { pages, text })
}

/// The pages, each once: in a broken document, a tree of pages may contain itself.
fn pages(document: &Document) -> Result<Vec<ObjectId>, ReadError> {
    let mut seen = HashSet::new();
    let mut pages = Vec::new();
    for page in document.page_iter() {
        if seen.insert(page) {
            pages.push(page);
        }
        if pages.len() > PAGES {
            return Err(ReadError::TooComplex);
        }
    }
    if pages.is_empty() { Err(ReadError::Unreadable) } else { Ok(pages) }
}

fn classify(error: &Error) -> ReadError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's other errors are about broken documents"
    )]
    match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => {
            ReadError::Encrypted
        }
        error if is_limit(error) => ReadError::TooComplex,
        _ => ReadError::Unreadable,
    }
}

fn is_limit(error: &Error) -> bool {
    matches!(
        error,
        Error::Decompress(
            DecompressError::MemoryLimitExceeded { .. } | DecompressError::TooManyFilters { .. }
        ) | Error::RecursionLimit
    )
}

/// Removes control and replacement characters, and spells out ligatures.
fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    for character in text.trim().chars() {
        match character {
            '\n' | '\t' => readable.push(character),
            char::REPLACEMENT_CHARACTER => {}
            '\u{fb00}' => readable.push_str("ff"),
            '\u{fb01}' => readable.push_str("fi"),
            '\u{fb02}' => readable.push_str("fl"),
            '\u{fb03}' => readable.push_str("ffi"),
            '\u{fb04}' => readable.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => readable.push_str("st"),
            _ if character.is_control() => {}
            _ => readable.push(character),
        }
    }
    readable
}
