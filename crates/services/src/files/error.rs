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
    #[error("{}", extraction_message(.0))]
    Extraction(#[source] ExtractionError),
    /// Its bytes could not be stored.
    #[error("The file could not be stored")]
    Blobs(#[from] BlobError),
    /// The store failed.
    #[error("The file could not be stored")]
    Store(#[from] StoreError),
}

fn extraction_message(error: &ExtractionError) -> &'static str {
    match error {
        ExtractionError::Encrypted => "The PDF is encrypted and cannot be read without its password",
        ExtractionError::Unreadable => "The PDF is broken and cannot be read",
        ExtractionError::TooComplex => "The PDF is too large or too complex to be read",
        ExtractionError::Busy => "Too many files are being read, try again later",
        ExtractionError::Failed(_) => "The PDF could not be read",
    }
}

impl DescribeError for FilesError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::Conversation(error) => error.describe(),
            Self::TooMany => ErrorCode::FilesBusy.into(),
            Self::NotPdf => ErrorCode::NotAPdf.into(),
            Self::TooLarge { .. } => ErrorCode::FileTooLarge.into(),
            Self::Extraction(error) => ErrorDescription::from(match error {
                ExtractionError::Encrypted => ErrorCode::PdfEncrypted,
                ExtractionError::Unreadable => ErrorCode::PdfUnreadable,
                ExtractionError::TooComplex => ErrorCode::PdfTooComplex,
                ExtractionError::Busy => ErrorCode::FilesBusy,
                ExtractionError::Failed(_) => ErrorCode::InternalError,
            })
            .with_param("file"),
            Self::Blobs(_) => ErrorCode::StorageUnavailable.into(),
            Self::Store(error) => error.describe(),
        }
    }
}
