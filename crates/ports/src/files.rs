//! Files of conversations, and which stored objects nobody needs any more.

use async_trait::async_trait;
use domain::{BlobKey, ConversationId, File, FileText, NewFile, Timestamp, UserId};

use crate::{Access, StoreError};

/// The files of conversations.
///
/// An object is *doomed* from before it exists until a file takes it, and again from the moment its file is gone, by
/// whatever way: with its conversation, its persona, its user. Whoever takes doomed objects away needs to know nothing
/// else, and a crash at any point leaves none behind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Dooms an object that is about to be put, from `due` on.
    async fn reserve(&self, blob: BlobKey, due: Timestamp) -> Result<(), StoreError>;

    /// Keeps a file of a reserved object; the conversation counts as updated. A conversation that is deleted is
    /// absent, and so is one whose object is not reserved, or due by then: that belongs to whoever takes objects away.
    async fn attach(&self, caller: UserId, file: NewFile) -> Result<Access<File>, StoreError>;

    /// What the newest files of a conversation say, newest first, with their names: as many as begin within the first
    /// `max_bytes`, so that the last one may reach beyond. Files without text are left out.
    async fn texts(&self, conversation: ConversationId, max_bytes: u64) -> Result<Vec<FileText>, StoreError>;

    /// Doomed objects that are due, the longest due first.
    async fn pending_deletions(&self, at: Timestamp, limit: u32) -> Result<Vec<BlobKey>, StoreError>;

    /// Forgets doomed objects that have been taken away.
    async fn confirm_deleted(&self, blobs: Vec<BlobKey>) -> Result<(), StoreError>;
}
