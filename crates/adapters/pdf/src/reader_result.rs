//! The result that a child writes to standard output, as one JSON value.

use domain::limits::FILE_TEXT_BYTES;
use ports::{Extracted, ExtractionError};
use serde::{Deserialize, Serialize};

/// The limit of a result, in bytes. JSON at most doubles the bytes of the text, as the text holds no control characters
/// but newline and tab.
pub(crate) const RESULT_BYTES: u64 = 2 * FILE_TEXT_BYTES as u64 + 1024;

/// The result of reading a document.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum ReaderResult {
    /// The document was read.
    Read {
        /// The number of its pages.
        pages: u32,
        /// How many of them were read.
        pages_read: u32,
        /// Its text, of at most [`FILE_TEXT_BYTES`].
        text: String,
    },
    /// The document was not read.
    NotRead {
        /// The reason.
        error: ReadError,
    },
}

/// Why a document was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadError {
    /// It cannot be opened without a password.
    Encrypted,
    /// It is broken.
    Unreadable,
    /// It has more bytes than allowed.
    TooComplex,
}

impl From<Result<Extracted, ReadError>> for ReaderResult {
    fn from(read: Result<Extracted, ReadError>) -> Self {
        match read {
            Ok(Extracted { pages, pages_read, text }) => Self::Read { pages, pages_read, text },
            Err(error) => Self::NotRead { error },
        }
    }
}

impl From<ReaderResult> for Result<Extracted, ExtractionError> {
    fn from(result: ReaderResult) -> Self {
        match result {
            ReaderResult::Read { pages, pages_read, text } => Ok(Extracted { pages, pages_read, text }),
            ReaderResult::NotRead { error: ReadError::Encrypted } => Err(ExtractionError::Encrypted),
            ReaderResult::NotRead { error: ReadError::Unreadable } => Err(ExtractionError::Unreadable),
            ReaderResult::NotRead { error: ReadError::TooComplex } => Err(ExtractionError::TooComplex),
        }
    }
}
