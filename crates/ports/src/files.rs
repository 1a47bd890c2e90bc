//! Files of conversations, and the stored objects that are to be deleted.

use async_trait::async_trait;
use domain::{BlobKey, ConversationId, File, FileText, NewFile, Timestamp, UserId};

use crate::{Access, StoreError};

/// The files of conversations.
///
/// The deletion of an object is *pending* from before it is stored until a file uses it, and again once that file is
/// deleted, alone or with its conversation, persona or user. The sweep needs to read pending deletions only, and a
/// crash at any point leaves no object behind.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Makes the deletion of an object pending from `due` on. Called before the object is stored.
    async fn reserve(&self, blob: BlobKey, due: Timestamp) -> Result<(), StoreError>;

    /// Stores a file whose object is reserved, and sets the conversation's update time. A deleted conversation is
    /// absent, and so is one whose object is not reserved, or already due: the sweep may delete it at any time.
    async fn attach(&self, caller: UserId, file: NewFile) -> Result<Access<File>, StoreError>;

    /// Reads the newest files of a conversation, newest first: as many as begin within the first `max_bytes` of text, so
    /// that the last one may exceed it. A file without text is one of them.
    async fn texts(&self, conversation: ConversationId, max_bytes: u64) -> Result<Vec<FileText>, StoreError>;

    /// Lists pending deletions that are due, the earliest first.
    async fn pending_deletions(&self, at: Timestamp, limit: u32) -> Result<Vec<BlobKey>, StoreError>;

    /// Removes pending deletions whose objects are deleted.
    async fn confirm_deleted(&self, blobs: Vec<BlobKey>) -> Result<(), StoreError>;
}
