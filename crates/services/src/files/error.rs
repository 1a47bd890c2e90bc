//! The errors of files.

use domain::ErrorCode;
use ports::{BlobError, ExtractionError, StoreError};

use crate::{ConversationsError, DescribeError, ErrorDescription};

/// A file could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The conversation could not be found.
    #[error(transparent)]
    Conversation(#[from] ConversationsError),
    /// Too many uploads are in memory.
    #[error("Too many files are being uploaded, try again later")]
    TooMany,
    /// It is not a PDF.
    #[error("Only PDF files are supported")]
    NotPdf,
    /// It is too large.
    #[error("The file is larger than {max_mb} MB")]
    TooLarge {
        /// The limit, in MiB.
        max_mb: u32,
    },
    /// Its text could not be extracted.
    #[error("{}", extraction_facts(.0).1)]
    Extraction(#[source] ExtractionError),
    /// Its bytes could not be stored.
    #[error("The file could not be stored")]
    Blobs(#[from] BlobError),
    /// The store failed.
    #[error("The file could not be stored")]
    Store(#[from] StoreError),
}

/// The code and the message that clients see.
fn extraction_facts(error: &ExtractionError) -> (ErrorCode, &'static str) {
    match error {
        ExtractionError::Encrypted => {
            (ErrorCode::PdfEncrypted, "The PDF is encrypted and cannot be read without its password")
        }
        ExtractionError::Unreadable => (ErrorCode::PdfUnreadable, "The PDF is broken and cannot be read"),
        ExtractionError::TooComplex => {
            (ErrorCode::PdfTooComplex, "The PDF is too large or too complex to be read")
        }
        ExtractionError::Busy => (ErrorCode::FilesBusy, "Too many files are being read, try again later"),
        ExtractionError::Failed(_) => (ErrorCode::InternalError, "The PDF could not be read"),
    }
}

impl DescribeError for FilesError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::Conversation(error) => error.describe(),
            Self::TooMany => ErrorCode::FilesBusy.into(),
            Self::NotPdf => ErrorCode::NotAPdf.into(),
            Self::TooLarge { .. } => ErrorCode::FileTooLarge.into(),
            Self::Extraction(error) => {
                ErrorDescription { param: Some("file"), ..extraction_facts(error).0.into() }
            }
            Self::Blobs(_) => ErrorCode::StorageUnavailable.into(),
            Self::Store(error) => error.describe(),
        }
    }
}
