//! Attaches a file to a conversation: its text becomes part of the conversation's context.

use std::sync::Arc;
use std::time::Duration;

use domain::limits::FILE_TEXT_BYTES;
use domain::{BlobKey, Caller, Conversation, ConversationKey, ConversationNumber, File, FileName, NewFile};
use ports::Access;

use super::{Files, FilesError};
use crate::ConversationsError;

/// How long an object may stand without a file: much longer than it takes to be put.
const RESERVED_FOR: Duration = Duration::from_mins(15);
const BYTES_PER_MB: usize = 1024 * 1024;

/// A file as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its sender's name for it.
    pub name: FileName,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file that was attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// The file.
    pub file: File,
    /// An address by which it can be read for a while, where the storage has addresses.
    pub link: Option<String>,
}

impl Files {
    /// The conversation to attach to.
    ///
    /// # Errors
    /// As [`ConversationsError`] says.
    pub async fn session(
        &self,
        caller: &Caller,
        number: ConversationNumber,
    ) -> Result<Conversation, FilesError> {
        Ok(self.conversations.find(caller, ConversationKey::Number(number)).await?)
    }

    /// Reads a PDF, keeps its bytes, and makes its text part of what a model is told in this conversation.
    ///
    /// # Errors
    /// As [`FilesError`] says. Nothing is kept then, but for an object that is swept away later.
    pub async fn attach(
        &self,
        caller: &Caller,
        number: ConversationNumber,
        upload: Upload,
    ) -> Result<Attached, FilesError> {
        let conversation = self.session(caller, number).await?;
        let Upload { name, bytes } = upload;
        if !domain::file::is_pdf(&bytes) {
            return Err(FilesError::NotPdf);
        }
        if bytes.len() > self.max_bytes {
            return Err(FilesError::TooLarge { max_mb: self.max_bytes / BYTES_PER_MB });
        }
        let bytes: Arc<[u8]> = bytes.into();
        let extracted = self.extractor.extract(Arc::clone(&bytes)).await.map_err(FilesError::Unread)?;
        let at = self.clock.now();
        let file = NewFile {
            conversation: conversation.id,
            blob: BlobKey::upload(caller.user, number, self.ids.blob()),
            name,
            size: bytes.len() as u64,
            pages: extracted.pages,
            text: readable(&extracted.text),
            at,
        };
        let (files, user) = (self.clone(), caller.user);
        let attached = self.tasks.run(async move {
            files.store.reserve(file.blob.clone(), at + RESERVED_FOR).await?;
            files.blobs.put(file.blob.clone(), bytes, domain::file::PDF).await?;
            Ok::<_, FilesError>(files.store.attach(user, file).await?)
        });
        let file = match attached.await? {
            Access::Granted(file) => file,
            Access::Foreign => return Err(ConversationsError::Foreign.into()),
            Access::Absent => return Err(ConversationsError::NotFound.into()),
        };
        let link = self.blobs.link(file.blob.clone(), file.name.clone()).await?;
        Ok(Attached { file, link })
    }
}

/// A document's text as stores can keep it: no control characters but newline and tab, no more than is kept of a file.
fn readable(text: &str) -> String {
    let mut text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    text.truncate(text.floor_char_boundary(FILE_TEXT_BYTES));
    text
}
