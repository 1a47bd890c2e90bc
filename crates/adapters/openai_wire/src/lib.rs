//! The bytes of OpenAI-style APIs, pure: request bodies, the events of their streams, the classes of their errors.
//!
//! Two wires are known: Chat Completions, which most providers speak, and the Responses API. Nothing here does I/O,
//! so every trap of a wire is a test with recorded frames.

mod chat_request;
mod chat_stream;
mod decoder;
mod history;
mod model_name;
mod provider_error;
mod redaction;
mod responses_request;
mod responses_stream;
mod usage;

pub use chat_request::ChatRequest;
pub use chat_stream::ChatDecoder;
pub use decoder::Decoder;
pub use model_name::{for_openai, for_openrouter};
pub use provider_error::{ErrorResponse, in_a_json_answer, of_an_answer};
pub use redaction::Redaction;
pub use responses_request::ResponsesRequest;
pub use responses_stream::ResponsesDecoder;
