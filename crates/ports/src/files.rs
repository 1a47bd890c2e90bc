//! Files of conversations, and the stored objects that no file refers to.

use async_trait::async_trait;
use domain::{BlobKey, ConversationId, File, FileText, NewFile, Timestamp, UserId};

use crate::{Access, StoreError};

/// The files of conversations.
///
/// The store keeps a list of objects that are to be deleted. An object is on it from before it is put until a file
/// refers to it, and again from the moment its file is deleted, be it with its conversation, its persona or its user.
/// So a sweep over this list finds every object without a file, whenever a process crashed.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FileStore: Send + Sync {
    /// Lists an object that is about to be put: unless a file refers to it by `due`, it may be deleted.
    async fn reserve(&self, blob: BlobKey, due: Timestamp) -> Result<(), StoreError>;

    /// Keeps a file of a reserved object; the conversation counts as updated. A conversation that is deleted is
    /// absent, and so is one whose object is not reserved, or due by then: the sweep may be deleting it.
    async fn attach(&self, caller: UserId, file: NewFile) -> Result<Access<File>, StoreError>;

    /// What the newest files of a conversation say, newest first, with their names: as many as begin within the first
    /// `max_bytes`, so that the last one may reach beyond. Files without text are left out.
    async fn texts(&self, conversation: ConversationId, max_bytes: u64) -> Result<Vec<FileText>, StoreError>;

    /// Objects that are to be deleted and due, the longest due first.
    async fn pending_deletions(&self, at: Timestamp, limit: u32) -> Result<Vec<BlobKey>, StoreError>;

    /// Takes objects that have been deleted off the list.
    async fn confirm_deleted(&self, blobs: Vec<BlobKey>) -> Result<(), StoreError>;
}
