//! The text in a document.

use async_trait::async_trait;
use bytes::Bytes;

use crate::BoxError;

/// What was found in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// Its pages.
    pub pages: u32,
    /// Its text, in the order in which it is drawn; empty where it has none, as a scan.
    pub text: String,
}

/// Why a document's text was not extracted.
#[derive(Debug, thiserror::Error)]
pub enum ExtractionError {
    /// It cannot be opened without a password.
    #[error("the document is encrypted")]
    Encrypted,
    /// It is broken.
    #[error("the document cannot be read")]
    Unreadable,
    /// It takes more time, memory or pages than one document may.
    #[error("the document is too complex")]
    TooComplex,
    /// Too many documents are being read.
    #[error("too many documents are being read")]
    Busy,
    /// The reader itself failed.
    #[error("the reader of documents failed")]
    Failed(#[source] BoxError),
}

/// Reads documents that nobody vouches for.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TextExtractor: Send + Sync {
    /// Reads a PDF. No document takes more than about ten seconds once its turn has come, or harms the process.
    async fn extract(&self, pdf: Bytes) -> Result<Extracted, ExtractionError>;
}
