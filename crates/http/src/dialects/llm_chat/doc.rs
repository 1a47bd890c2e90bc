//! Description of `POST /chat` of S0. The examples are those of its document.

use serde_json::{Value, json};
use services::SendError;

use super::request::ChatRequest;
use super::response::ChatBody;
use crate::error::ApiError;
use crate::openapi::{OperationDoc, headers, tags};

/// The events in the document. A blank line ends each of them.
const EVENTS: &str = r#"data: {"delta": {"type": "text", "text": "Once"}}

data: {"delta": {"type": "text", "text": " upon"}}

data: {"delta": {"type": "text", "text": " a time"}}

data: {"done": true, "conversation_id": "conv_xxx"}

data: [DONE]
"#;

pub(super) fn chat() -> OperationDoc {
    OperationDoc::new("chat", "Send a message")
        .tags([tags::LLM_CHAT])
        .description(
            "Sends a message with text and images and returns the reply. Without `conversation_id` a new conversation is \
             created, and a title is made for it. With `stream` the reply is sent as server-sent events while the model \
             writes it: an event for each piece of text, an event with `done`, and `[DONE]`. The event with `done` also has \
             the id, the title, the counts and the cost. If the model fails after the stream has begun, the last event is an \
             error, and neither `done` nor `[DONE]` follows.",
        )
        .body::<ChatRequest>([
            ("every field", every_field()),
            ("basic chat", json!({"input": "What is Python?", "user_id": "user1"})),
            ("continue a conversation", continued()),
            ("image", image()),
            ("image, briefly", brief_image()),
            ("system instructions", pirate()),
            ("custom instructions", explained()),
            ("streamed", json!({"input": "Write a story", "stream": true})),
            ("streamed with a label", json!({"input": "Write a poem", "stream": true, "user_id": "user1"})),
        ])
        .response::<ChatBody>("The reply. With `stream`, its events", [("as documented", reply())])
        .stream("", "text/event-stream", EVENTS)
        .starts_turn()
        .header(headers::CONVERSATION_ID)
        .errors([ApiError::no_conversation(), SendError::ModelNotAllowed.into()])
        .invalid("input", "must not be empty")
}

fn every_field() -> Value {
    json!({
        "input": "Hello, how are you?",
        "user_id": "user123",
        "conversation_id": "conv_xxx",
        "model": "gpt-4o",
        "instructions": "You are a helpful assistant",
        "stream": false,
        "temperature": 1.0,
        "max_tokens": 1000,
        "top_p": 1.0
    })
}

fn continued() -> Value {
    json!({"input": "Tell me more about lists", "user_id": "user1", "conversation_id": "conv_xxx"})
}

fn image() -> Value {
    json!({"input": with_image("What is in this image?"), "model": "gpt-4o", "user_id": "user123"})
}

fn brief_image() -> Value {
    json!({"input": with_image("Describe this image"), "user_id": "user1"})
}

fn with_image(question: &str) -> Value {
    json!([
        {"type": "text", "text": question},
        {"type": "image_url", "image_url": {"url": "https://example.com/image.jpg"}}
    ])
}

fn pirate() -> Value {
    json!({
        "input": "Tell me a joke",
        "instructions": "You are a pirate. Always respond like a pirate with arrr and matey.",
        "user_id": "user123"
    })
}

fn explained() -> Value {
    json!({
        "input": "Explain quantum computing",
        "instructions": "Explain like I am 5 years old",
        "user_id": "user1"
    })
}

fn reply() -> Value {
    json!({
        "id": "resp_xxx",
        "object": "response",
        "created_at": 1_234_567_890,
        "model": "gpt-4o",
        "output_text": "Hello! I'm doing well, thank you for asking.",
        "conversation_id": "conv_xxx",
        "title": "Friendly Greeting",
        "message_count": 1,
        "usage": {"input_tokens": 10, "output_tokens": 15, "total_tokens": 25},
        "cost": 0.0002
    })
}
