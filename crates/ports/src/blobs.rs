//! Stored objects: the bytes of uploaded files.

use async_trait::async_trait;
use bytes::Bytes;
use domain::{BlobKey, FileName};

use crate::BoxError;

/// An object could not be kept, taken away or reached.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The storage is away for now: not reachable, too slow, out of space.
    #[error("the file storage is not available")]
    Unavailable(#[source] BoxError),
    /// The storage refuses us: a wrong key, no such bucket, no permission.
    #[error("the file storage refused the request")]
    Refused(#[source] BoxError),
}

/// Where objects are kept.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps an object, whole or not at all; one under the same key is replaced.
    async fn put(&self, key: BlobKey, bytes: Bytes, media_type: &'static str) -> Result<(), BlobError>;

    /// Takes an object away; one that is not there is as good as gone.
    async fn delete(&self, key: BlobKey) -> Result<(), BlobError>;

    /// An address by which whoever has it can read the object for a while, as an attachment of this name; `None`
    /// where the storage has no addresses.
    async fn link(&self, key: BlobKey, name: FileName) -> Result<Option<String>, BlobError>;

    /// Whether objects can be kept now. Answers within about two seconds.
    async fn check(&self) -> Result<(), BlobError>;
}
