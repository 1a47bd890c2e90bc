//! Events in the format of the stream.

use serde_json::{Value, json};

use super::CREATED;
use super::call::Call;
use super::reply::ErrorForm;

/// An event with its blank line, and whether it has a piece of the reply's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) text: String,
    pub(super) is_word: bool,
    pub(super) is_comment: bool,
}

impl Frame {
    /// An event without a name.
    pub(super) fn data(data: &Value) -> Self {
        Self::raw(format!("data: {data}\n\n"))
    }

    /// An event with a name.
    pub(super) fn named(name: &str, data: &Value) -> Self {
        Self::raw(format!("event: {name}\ndata: {data}\n\n"))
    }

    /// A comment line.
    pub(super) fn comment(line: &str) -> Self {
        Self { is_comment: true, ..Self::raw(format!("{line}\n\n")) }
    }

    /// The last event of both wires.
    pub(super) fn done() -> Self {
        Self::raw("data: [DONE]\n\n".to_owned())
    }

    /// An event that is no JSON.
    pub(super) fn malformed() -> Self {
        Self::raw("data: {\"choices\": [{\"delta\": \n\n".to_owned())
    }

    /// The same event, marked as a piece of the reply's text.
    pub(super) fn into_word(self) -> Self {
        Self { is_word: true, ..self }
    }

    /// A body that is no stream.
    pub(super) fn raw(text: String) -> Self {
        Self { text, is_word: false, is_comment: false }
    }

    /// An error inside a stream.
    pub(super) fn error(call: &Call, form: ErrorForm) -> Self {
        let number = call.number;
        let chunk = |choices: Value| {
            json!({
                "id": format!("gen-{number}"), "object": "chat.completion.chunk", "created": CREATED,
                "model": call.model(), "provider": "Fake", "choices": choices,
                "error": {"code": 502, "message": "Provider disconnected unexpectedly"},
            })
        };
        match form {
            ErrorForm::InChunk => Self::data(&chunk(json!([
                {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "error"},
            ]))),
            ErrorForm::WithoutChoices => Self::data(&chunk(json!([]))),
            ErrorForm::Bare => Self::data(&bare_error()),
            ErrorForm::ResponseFailed => Self::named(
                "response.failed",
                &json!({
                    "type": "response.failed", "sequence_number": 99,
                    "response": {
                        "id": format!("resp_{number}"), "object": "response", "created_at": CREATED,
                        "status": "failed", "model": call.model(), "output": [], "usage": null,
                        "error": {"code": "server_error", "message": "The model failed"},
                        "incomplete_details": null, "metadata": {},
                    },
                }),
            ),
            ErrorForm::ErrorEvent => Self::named(
                "error",
                &json!({
                    "type": "error", "sequence_number": 99,
                    "code": "server_error", "message": "The model failed", "param": null,
                }),
            ),
        }
    }
}

/// The error object alone.
pub(super) fn bare_error() -> Value {
    json!({"error": {"message": "The engine failed", "type": "internal_error", "param": null, "code": 500}})
}
