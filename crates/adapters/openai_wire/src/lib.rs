//! The formats of `OpenAI`'s APIs, without I/O: request bodies, the events of streams, and the classes of errors.
//!
//! There are two: Chat Completions, which most providers have, and the Responses API. Because nothing here does I/O,
//! every special case is tested with recorded events.

mod chat_request;
mod chat_stream;
mod content;
mod decoder;
mod finish_reason;
mod history;
mod json;
mod model_name;
mod optional_field;
mod provider_error;
mod redaction;
mod responses_request;
mod responses_stream;
mod usage;
mod written;

pub use chat_request::ChatRequest;
pub use chat_stream::ChatDecoder;
pub use decoder::Decoder;
pub use model_name::{for_openai, for_openrouter, refuses_temperature};
pub use optional_field::{OptionalField, RequestBody, refused_fields};
pub use provider_error::{ErrorResponse, from_json_body, from_response, from_stray_text};
pub use redaction::Redaction;
pub use responses_request::ResponsesRequest;
pub use responses_stream::ResponsesDecoder;
