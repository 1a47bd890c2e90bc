//! Descriptions of the endpoints of S1. The examples are those of its document.

mod stream;

use domain::file::PDF;
use serde_json::{Value, json};
use services::{BlobError, ConversationsError, ExtractionError, FilesError};
use utoipa::openapi::path::Parameter;

use super::request::{CreateRequest, HistoryQuery, SwitchRequest};
use super::response::{HistoryBody, SessionBody, SwitchedBody, UploadedBody};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, parameters, tags, with};
use crate::wire::DoneMessage;
pub(super) use stream::stream;

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

pub(super) fn switch_model() -> OperationDoc {
    OperationDoc::new("switchModel", "Switch the model of a session")
        .tags([tags::CHAT_API])
        .description(
            "The messages are kept, and the new model gets them with every later message, whichever API sends it. A \
             reply that is being written is completed by its own model.",
        )
        .body::<SwitchRequest>([("as documented", json!({"session_id": 123, "model": "gpt-3.5-turbo"}))])
        .response::<SwitchedBody>("The session with its new model and all messages", [("switched", switched())])
        .errors([ApiError::no_conversation(), ConversationsError::ModelNotAllowed.into()])
        .invalid("model", "is not a valid model name")
}

pub(super) fn history() -> OperationDoc {
    OperationDoc::new("chatHistory", "List sessions with their messages")
        .tags([tags::CHAT_API])
        .description(
            "Lists a page of the caller's conversations, whichever API began them, the last updated first, each with \
             all messages. Of `start_date`, `end_date` and `model`, an empty one is no condition.",
        )
        .query::<HistoryQuery>()
        .response::<HistoryBody>("The page, and the number of all sessions that match", [("one", page())])
        .invalid("page", "must be at least 1")
        .invalid("page_size", "must be between 1 and 100")
        .invalid("start_date", "must be a date or a time, such as 2024-01-01T00:00:00Z")
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
             whichever API sends the message. A file without text is stored as well: `metadata.has_text` is false, and the \
             model is told that its text could not be read. Of a long file the first pages are read, at most 500.",
        )
        .path_param(session_id())
        .file_body("A PDF of at most 10 MB, unless configured otherwise", PDF)
        .response::<UploadedBody>(
            "The stored file, and the text that was found in it",
            [
                ("as documented", uploaded("...", &json!({"page_count": 5, "pages_read": 5, "has_text": true}))),
                ("with an address", with_address()),
                ("a scan", uploaded("", &json!({"page_count": 5, "pages_read": 5, "has_text": false}))),
            ],
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

fn told() -> Value {
    json!([
        {"role": "user", "content": "Tell me a story"},
        {"role": "assistant", "content": "Once upon a time …"}
    ])
}

fn switched() -> Value {
    json!({"session_id": 123, "model": "gpt-3.5-turbo", "title": "Tell me a story", "messages": told()})
}

fn page() -> Value {
    let session = with(session(), json!({"title": "Tell me a story", "messages": told()}));
    json!({"total": 1, "page": 1, "page_size": 10, "sessions": [session]})
}

fn uploaded(text: &str, metadata: &Value) -> Value {
    json!({
        "file": {
            "id": 1,
            "filename": "document.pdf",
            "file_size": 1024,
            "mime_type": "application/pdf",
            "extracted_text": text,
            "metadata": metadata
        },
        "message": "File uploaded successfully"
    })
}

fn with_address() -> Value {
    let url = "https://bucket.example.com/uploads/1/123/0193.pdf?X-Amz-Expires=900";
    uploaded("...", &json!({"page_count": 5, "pages_read": 5, "has_text": true, "url": url}))
}
