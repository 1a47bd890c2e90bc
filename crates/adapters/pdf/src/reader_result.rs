//! What a child answers, as one JSON value.

use domain::limits::FILE_TEXT_BYTES;
use ports::{Extracted, ExtractionError};
use serde::{Deserialize, Serialize};

/// Bytes of the longest answer: in JSON no character of the text takes more than twice its bytes, as control characters
/// other than newline and tab are left out.
pub(crate) const ANSWER_BYTES: u64 = 2 * FILE_TEXT_BYTES as u64 + 1024;

/// A child's answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// The document was read.
    Read {
        /// Its pages.
        pages: u32,
        /// Its text, of at most [`FILE_TEXT_BYTES`].
        text: String,
    },
    /// The document was not read.
    Refused {
        /// Why.
        error: Refusal,
    },
}

/// Why a document was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Refusal {
    /// It cannot be opened without a password.
    Encrypted,
    /// It is broken.
    Unreadable,
    /// It is larger in some way than one document may be.
    TooComplex,
}

impl From<Result<Extracted, Refusal>> for Answer {
    fn from(read: Result<Extracted, Refusal>) -> Self {
        match read {
            Ok(Extracted { pages, text }) => Self::Read { pages, text },
            Err(error) => Self::Refused { error },
        }
    }
}

impl From<Answer> for Result<Extracted, ExtractionError> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Read { pages, text } => Ok(Extracted { pages, text }),
            Answer::Refused { error: Refusal::Encrypted } => Err(ExtractionError::Encrypted),
            Answer::Refused { error: Refusal::Unreadable } => Err(ExtractionError::Unreadable),
            Answer::Refused { error: Refusal::TooComplex } => Err(ExtractionError::TooComplex),
        }
    }
}
