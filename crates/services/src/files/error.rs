//! How work with files fails.

use std::time::Duration;

use domain::ErrorKind;
use ports::{BlobError, ExtractionError, StoreError};

use crate::{ConversationsError, Fault};

/// A file could not be attached.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The conversation cannot be reached.
    #[error(transparent)]
    Conversation(#[from] ConversationsError),
    /// Too many uploads are under way.
    #[error("Too many files are being uploaded, try again later")]
    TooMany,
    /// It is no PDF.
    #[error("Only PDF files are supported")]
    NotPdf,
    /// It is too large.
    #[error("The file is larger than {max_mb} MB")]
    TooLarge {
        /// The limit, in MiB.
        max_mb: usize,
    },
    /// It could not be read.
    #[error("{}", unread(.0))]
    Unread(#[source] ExtractionError),
    /// Its bytes could not be kept.
    #[error("The file could not be stored")]
    Blobs(#[from] BlobError),
    /// The store failed.
    #[error("The file could not be stored")]
    Store(#[from] StoreError),
}

/// How long a client should wait while too many documents are read, or the storage is away.
const RETRY: Duration = Duration::from_secs(5);

fn unread(error: &ExtractionError) -> &'static str {
    match error {
        ExtractionError::Encrypted => "The PDF is encrypted and cannot be read without its password",
        ExtractionError::Unreadable => "The PDF is broken and cannot be read",
        ExtractionError::TooComplex => "The PDF is too large or too complex to be read",
        ExtractionError::Busy => "Too many files are being read, try again later",
        ExtractionError::Failed(_) => "The PDF could not be read",
    }
}

impl Fault for FilesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Conversation(error) => error.kind(),
            Self::NotPdf | Self::TooLarge { .. } => ErrorKind::Invalid,
            Self::Unread(error) => match error {
                ExtractionError::Encrypted | ExtractionError::Unreadable | ExtractionError::TooComplex => {
                    ErrorKind::Invalid
                }
                ExtractionError::Busy => ErrorKind::Unavailable,
                ExtractionError::Failed(_) => ErrorKind::Internal,
            },
            Self::TooMany | Self::Blobs(_) => ErrorKind::Unavailable,
            Self::Store(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Conversation(error) => error.code(),
            Self::TooMany => "files_busy",
            Self::NotPdf => "not_a_pdf",
            Self::TooLarge { .. } => "file_too_large",
            Self::Unread(error) => match error {
                ExtractionError::Encrypted => "pdf_encrypted",
                ExtractionError::Unreadable => "pdf_unreadable",
                ExtractionError::TooComplex => "pdf_too_complex",
                ExtractionError::Busy => "files_busy",
                ExtractionError::Failed(_) => "internal_error",
            },
            Self::Blobs(_) => "storage_unavailable",
            Self::Store(error) => error.code(),
        }
    }

    fn param(&self) -> Option<&'static str> {
        match self {
            Self::Conversation(error) => error.param(),
            Self::NotPdf | Self::TooLarge { .. } | Self::Unread(_) => Some("file"),
            Self::TooMany | Self::Blobs(_) | Self::Store(_) => None,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Conversation(error) => error.retry_after(),
            Self::TooMany | Self::Unread(ExtractionError::Busy) | Self::Blobs(_) => Some(RETRY),
            Self::Unread(_) | Self::NotPdf | Self::TooLarge { .. } => None,
            Self::Store(error) => error.retry_after(),
        }
    }
}
