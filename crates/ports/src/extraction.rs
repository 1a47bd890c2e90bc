//! Extracts the text of documents.

use async_trait::async_trait;
use bytes::Bytes;

use crate::BoxError;

/// The content of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// The number of pages.
    pub pages: u32,
    /// How many of them were read, from the first one on: fewer than `pages` in a document of more than
    /// [`PDF_PAGES`](domain::limits::PDF_PAGES), whose text is longer than
    /// [`FILE_TEXT_BYTES`](domain::limits::FILE_TEXT_BYTES), or that takes too long to be read.
    pub pages_read: u32,
    /// The text of these pages; empty for a scan, and where no font says what its glyphs mean.
    pub text: String,
}

/// The text of a document could not be extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractionError {
    /// The document needs a password.
    #[error("the document is encrypted")]
    Encrypted,
    /// The document is broken.
    #[error("the document cannot be read")]
    Unreadable,
    /// The document needs more time or memory than allowed.
    #[error("the document is too complex")]
    TooComplex,
    /// Too many documents are waiting.
    #[error("too many documents are being read")]
    Busy,
    /// The extraction itself failed.
    #[error("the reader of documents failed")]
    Failed(#[source] BoxError),
}

/// Extracts text from untrusted documents.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TextExtractor: Send + Sync {
    /// Extracts the text of a PDF. No document takes longer than about ten seconds, not counting the wait, and none can
    /// harm the process.
    async fn extract(&self, pdf: Bytes) -> Result<Extracted, ExtractionError>;
}
