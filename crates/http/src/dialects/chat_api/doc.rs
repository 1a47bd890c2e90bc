//! Descriptions of the endpoints of S1. The examples are those of its document.

use domain::file::PDF;
use serde_json::{Value, json};
use services::{BlobError, ConversationsError, ExtractionError, FilesError};
use utoipa::openapi::path::Parameter;

use super::request::CreateRequest;
use super::response::{SessionBody, UploadedBody};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, parameters, tags};
use crate::wire::DoneMessage;

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("beginSession", "Create a session")
        .tags([tags::CHAT_API])
        .description("A session is a conversation with its own model. It can be given a file before its first message.")
        .body::<CreateRequest>([
            ("with a title", json!({"model": "gpt-4", "title": "My document"})),
            ("without", json!({"model": "gpt-4"})),
        ])
        .response::<SessionBody>("The new session, without messages", [("session", session())])
        .errors([ConversationsError::ModelNotAllowed.into()])
        .invalid("model", "is not a valid model name")
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deleteSession", "Delete a session")
        .tags([tags::CHAT_API])
        .description("Deletes the session for good, with its messages and files. A running turn is stopped.")
        .path_param(session_id())
        .response::<DoneMessage>(
            "The session is deleted",
            [("as documented", json!({"message": "Session deleted successfully"}))],
        )
        .errors([ApiError::no_conversation(), not_a_number()])
}

pub(super) fn upload() -> OperationDoc {
    OperationDoc::new("uploadFile", "Upload a PDF to a session")
        .tags([tags::CHAT_API])
        .description(
            "Stores a PDF with the session. Its text is given to the model in every later turn of the conversation, \
             whichever API sends the message.",
        )
        .path_param(session_id())
        .file_body("A PDF of at most 10 MB, unless configured otherwise", PDF)
        .response::<UploadedBody>(
            "The stored file, and the text that was found in it",
            [("as documented", uploaded(&json!({"page_count": 5}))), ("with an address", with_address())],
        )
        .errors([
            ApiError::no_conversation(),
            not_a_number(),
            FieldError::new("file", "is required").into(),
            FilesError::NotPdf.into(),
            FilesError::TooLarge { max_mb: 10 }.into(),
            FilesError::Extraction(ExtractionError::Encrypted).into(),
            FilesError::Extraction(ExtractionError::Unreadable).into(),
            FilesError::Extraction(ExtractionError::TooComplex).into(),
            FilesError::Extraction(ExtractionError::Busy).into(),
            FilesError::Blobs(BlobError::Unavailable("example".into())).into(),
        ])
}

fn session_id() -> Parameter {
    parameters::number("session_id", "The number of the session", 123)
}

/// The session in the path is not a number.
fn not_a_number() -> ApiError {
    FieldError::new("session_id", "must be an integer").into()
}

fn session() -> Value {
    json!({
        "id": 123,
        "user_id": 1,
        "application_id": null,
        "model": "gpt-4",
        "title": "New conversation",
        "messages": [],
        "created_at": "2024-12-11T01:19:23.000000Z",
        "updated_at": "2024-12-11T01:19:23.000000Z"
    })
}

fn uploaded(metadata: &Value) -> Value {
    json!({
        "file": {
            "id": 1,
            "filename": "document.pdf",
            "file_size": 1024,
            "mime_type": "application/pdf",
            "extracted_text": "...",
            "metadata": metadata
        },
        "message": "File uploaded successfully"
    })
}

fn with_address() -> Value {
    uploaded(
        &json!({"page_count": 5, "url": "https://bucket.example.com/uploads/1/123/0193.pdf?X-Amz-Expires=900"}),
    )
}
