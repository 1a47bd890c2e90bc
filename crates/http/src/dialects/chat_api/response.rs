//! Responses of S1: sessions and files.

use domain::{Conversation, File, Message, ModelName};
use serde::Serialize;
use services::Attached;

use crate::wire;

/// The title that is shown for a session without one, because the contract does not allow null.
const UNTITLED: &str = "New conversation";

/// A session with its messages.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    id: i64,
    user_id: i64,
    /// The application that created the session, if the token named one.
    application_id: Option<i64>,
    /// The model that answers the messages in the session.
    model: String,
    /// The title; `New conversation` while the session has none.
    title: String,
    /// The messages, oldest first.
    messages: Vec<MessageBody>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A message.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SessionMessage)]
struct MessageBody {
    /// `user` or `assistant`.
    role: &'static str,
    content: String,
}

impl SessionBody {
    /// A session whose messages are answered by `model`.
    pub(crate) fn new(conversation: &Conversation, model: &ModelName, messages: &[Message]) -> Self {
        let message =
            |message: &Message| MessageBody { role: message.role.as_str(), content: message.text() };
        Self {
            id: conversation.number.0,
            user_id: conversation.owner.0,
            application_id: conversation.application,
            model: model.to_string(),
            title: conversation.title.as_ref().map_or(UNTITLED, |title| title.as_str()).to_owned(),
            messages: messages.iter().map(message).collect(),
            created_at: wire::time(conversation.created_at),
            updated_at: wire::time(conversation.updated_at),
        }
    }
}

/// The response to an upload.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UploadedFile)]
pub(crate) struct UploadedBody {
    file: FileBody,
    message: &'static str,
}

/// A file.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = File)]
struct FileBody {
    id: i64,
    /// The name that the client gave the file.
    filename: String,
    /// The size in bytes.
    file_size: u64,
    mime_type: &'static str,
    /// The text that was found in the file; empty if it has no text layer, as in a scan.
    extracted_text: String,
    metadata: FileMetadata,
}

#[derive(Serialize, utoipa::ToSchema)]
struct FileMetadata {
    page_count: u32,
    /// A URL at which the file can be read for a limited time; absent if the file storage has no URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<Attached> for UploadedBody {
    fn from(attached: Attached) -> Self {
        let Attached { file, link } = attached;
        let File { number, conversation: _, blob: _, name, size, pages, text, created_at: _ } = file;
        let file = FileBody {
            id: number.0,
            filename: name.to_string(),
            file_size: size,
            mime_type: domain::file::PDF,
            extracted_text: text,
            metadata: FileMetadata { page_count: pages, url: link },
        };
        Self { file, message: "File uploaded successfully" }
    }
}
