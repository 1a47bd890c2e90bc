//! Contract S1, with the examples of its document.

use actix_web::http::Method;
use domain::file::PDF;
use serde_json::{Value, json};
use services::{BlobError, ConversationsError, ExtractionError, FilesError};

use super::operation::Described;
use super::{CHAT_API, parameters};
use crate::dialects::chat_api::request::CreateRequest;
use crate::dialects::chat_api::response::{SessionBody, UploadedBody};
use crate::error::ApiError;
use crate::extract::FieldError;
use crate::wire::DoneMessage;

pub(super) fn operations() -> Vec<Described> {
    vec![
        Described::new(Method::POST, "/v1/chat/sessions", "beginSession", "Begin a session")
            .of([CHAT_API])
            .tells("So that it can be given a file before its first message.")
            .takes::<CreateRequest>([
                ("with a title", json!({"model": "gpt-4", "title": "My document"})),
                ("without", json!({"model": "gpt-4"})),
            ])
            .answers::<SessionBody>("The new, empty session", [("session", session())])
            .refuses([
                FieldError::new("model", "is not a valid model name").into(),
                ConversationsError::ModelNotAllowed.into(),
            ]),
        Described::new(Method::DELETE, "/v1/chat/sessions/{session_id}", "deleteSession", "Delete a session")
            .of([CHAT_API])
            .tells("For good, with its messages and files. A turn that runs is stopped.")
            .at(parameters::session(123))
            .answers::<DoneMessage>(
                "It is deleted",
                [("as documented", json!({"message": "Session deleted successfully"}))],
            )
            .refuses([ApiError::no_conversation(), no_number()]),
        Described::new(
            Method::POST,
            "/api/chat/sessions/{session_id}/upload",
            "uploadFile",
            "Give a session a PDF to read",
        )
        .of([CHAT_API])
        .tells("Its text is part of what the model is told from then on, in whichever contract.")
        .at(parameters::session(123))
        .takes_file("A PDF, of at most 10 MB unless configured", PDF)
        .answers::<UploadedBody>(
            "The file, with the text that was found in it",
            [("as documented", uploaded(&json!({"page_count": 5}))), ("with an address", with_address())],
        )
        .refuses([
            ApiError::no_conversation(),
            no_number(),
            FieldError::new("file", "is required").into(),
            FilesError::NotPdf.into(),
            FilesError::TooLarge { max_mb: 10 }.into(),
            FilesError::Unread(ExtractionError::Encrypted).into(),
            FilesError::Unread(ExtractionError::Unreadable).into(),
            FilesError::Unread(ExtractionError::TooComplex).into(),
            FilesError::Unread(ExtractionError::Busy).into(),
            FilesError::Blobs(BlobError::Unavailable("example".into())).into(),
        ]),
    ]
}

/// The path has no number.
fn no_number() -> ApiError {
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
