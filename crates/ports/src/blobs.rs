//! Stored objects: the bytes of uploaded files.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{BlobKey, FileName};

use crate::BoxError;

/// An object could not be stored, deleted or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The storage is not available: not reachable, too slow, or out of space.
    #[error("the file storage is not available")]
    Unavailable(#[source] BoxError),
    /// The storage refused the request: a wrong key, no such bucket, no permission.
    #[error("the file storage refused the request")]
    Refused(#[source] BoxError),
}

/// The storage of objects.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores an object, completely or not at all. An object with the same key is replaced.
    async fn put(&self, key: BlobKey, bytes: Bytes, media_type: &'static str) -> Result<(), BlobError>;

    /// Deletes an object. It is no error if there is none.
    async fn delete(&self, key: BlobKey) -> Result<(), BlobError>;

    /// Returns a URL that gives access to the object for a limited time, as an attachment of this name; `None` if the
    /// storage has no URLs.
    async fn link(&self, key: BlobKey, name: FileName) -> Result<Option<String>, BlobError>;

    /// Checks whether objects can be stored. Takes at most about two seconds.
    async fn check(&self) -> Result<(), BlobError>;
}
