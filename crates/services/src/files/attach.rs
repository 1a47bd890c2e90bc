//! Attaches a file to a conversation. Its text becomes part of the context of the model.

use std::time::Duration;

use domain::limits::FILE_TEXT_BYTES;
use domain::{
    BlobKey, Caller, Conversation, ConversationKey, ConversationNumber, File, FileName, NewFile, text,
};
use ports::{Bytes, Extracted};

use super::upload_slots::UploadSlot;
use super::{Files, FilesError};
use crate::ConversationsError;

/// When an object without a file is deleted: much later than its upload can take.
const RESERVED_FOR: Duration = Duration::from_mins(15);
const BYTES_PER_MB: usize = 1024 * 1024;

/// The size of the largest file that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimit {
    max_mb: u32,
}

impl UploadLimit {
    /// A limit in MiB.
    #[must_use]
    pub fn megabytes(max_mb: u32) -> Self {
        Self { max_mb }
    }

    /// The limit in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.max_mb as usize * BYTES_PER_MB
    }

    /// Checks the size of a file, or of the part of it that has arrived.
    ///
    /// # Errors
    /// [`FilesError::TooLarge`] above the limit.
    pub fn check(self, bytes: usize) -> Result<(), FilesError> {
        if bytes > self.bytes() { Err(self.too_large()) } else { Ok(()) }
    }

    /// The error for a file above the limit.
    #[must_use]
    pub fn too_large(self) -> FilesError {
        FilesError::TooLarge { max_mb: self.max_mb }
    }
}

/// An uploaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name that the client gave it.
    pub name: FileName,
    /// Its content.
    pub bytes: Bytes,
}

/// An attached file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The file.
    pub file: File,
    /// A URL that gives access to it for a limited time, if the storage has URLs.
    pub link: Option<String>,
}

/// A conversation of the caller, and a slot for an upload in memory.
#[derive(Debug)]
pub struct ReservedUpload {
    conversation: Conversation,
    _slot: UploadSlot,
}

impl Files {
    /// Reserves a slot for an upload. Called before any of it is read.
    ///
    /// # Errors
    /// If the caller has no such conversation, or if too many uploads are in memory.
    pub async fn reserve_upload(
        &self,
        caller: &Caller,
        number: ConversationNumber,
    ) -> Result<ReservedUpload, FilesError> {
        let conversation = self.setup.conversations.find(caller, ConversationKey::Number(number)).await?;
        let slot = self.slots.take(caller.user).ok_or(FilesError::TooMany)?;
        Ok(ReservedUpload { conversation, _slot: slot })
    }

    /// Extracts the text of a PDF, stores its bytes, and attaches it to the conversation.
    ///
    /// # Errors
    /// After an error no file is attached, unless the connection to the store was lost at the very end. An object
    /// without a file is deleted later.
    pub async fn attach(
        &self,
        caller: &Caller,
        reserved: ReservedUpload,
        upload: Upload,
    ) -> Result<Attached, FilesError> {
        let conversation = &reserved.conversation;
        let Upload { name, bytes } = upload;
        if !domain::file::is_pdf(&bytes) {
            return Err(FilesError::NotPdf);
        }
        self.setup.upload_limit.check(bytes.len())?;
        let Extracted { pages, pages_read, text } =
            self.setup.extractor.extract(bytes.clone()).await.map_err(FilesError::Extraction)?;
        let blob = BlobKey::upload(caller.user, conversation.number, self.setup.ids.blob());
        // Comes before the first write, so that a failure leaves nothing behind.
        let link = self.setup.blobs.link(blob.clone(), name.clone()).await?;
        let (files, user, conversation) = (self.clone(), caller.user, conversation.id);
        let attached = self.setup.tasks.run(async move {
            let _reserved = reserved;
            files.setup.store.reserve(blob.clone(), files.setup.clock.now() + RESERVED_FOR).await?;
            let size = bytes.len() as u64;
            files.setup.blobs.put(blob.clone(), bytes, domain::file::PDF).await?;
            let (text, at) = (readable(&text), files.setup.clock.now());
            let file = NewFile { conversation, blob, name, size, pages, pages_read, text, at };
            Ok::<_, FilesError>(files.setup.store.attach(user, file).await?)
        });
        let file = attached.await?.or(ConversationsError::Foreign, ConversationsError::NotFound)?;
        Ok(Attached { file, link })
    }
}

/// The text of a document as it is stored: without control characters except newline and tab, cut to
/// [`FILE_TEXT_BYTES`].
fn readable(text: &str) -> String {
    let mut text = text::without_controls(text, &['\n', '\t']);
    text.truncate(text.floor_char_boundary(FILE_TEXT_BYTES));
    text
}
