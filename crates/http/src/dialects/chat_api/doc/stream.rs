//! Description of `POST /v1/chat/stream`. The examples are those of the contract's document.

use serde_json::{Value, json};
use services::SendError;

use super::super::request::StreamRequest;
use super::super::response::ReplyBody;
use crate::error::ApiError;
use crate::openapi::{OperationDoc, headers, tags};

/// The events in the document. A blank line ends each of them.
const EVENTS: &str = "data: token1\n\ndata: token2\n\ndata: token3\n\ndata: [DONE]\n";

pub(in super::super) fn stream() -> OperationDoc {
    OperationDoc::new("streamChat", "Send messages to a session")
        .tags([tags::CHAT_API])
        .description(
            "Answers the last message, in the session or in a new one, whose number is in the header `X-Session-Id`. \
             The reply is sent as server-sent events while the model writes it: the data of each event is a piece of the \
             text, and all of them joined are the text. A line end in the text begins another `data:` line of the same \
             event. Server-sent events cannot carry a carriage return, so every `\\r\\n`, `\\r` and `\\n` arrives as `\\n`. The \
             last event is `[DONE]`; a `[DONE]` in the text is cut in two events. If the model fails after the stream has \
             begun, the last event has the type `error` and a JSON object, and no `[DONE]` follows.\n\n\
             `messages` may be the new message alone, or the whole conversation: at least two messages that begin as the \
             stored ones do. Of a whole conversation only what is new is stored; where it differs from what is stored, it \
             replaces the rest. If nothing in it is new, its last question is answered again.",
        )
        .body::<StreamRequest>([
            ("as documented", story(Some(0.7), None)),
            ("without options", story(None, None)),
            ("in a session", story(None, Some(123))),
            ("the whole conversation", whole()),
        ])
        .response::<ReplyBody>("The events. With `stream` set to `false`, the reply", [("not streamed", reply())])
        .stream("", "text/event-stream", EVENTS)
        .starts_turn()
        .header(headers::SESSION_ID)
        .header(headers::MODEL)
        .errors([ApiError::no_conversation(), SendError::ModelNotAllowed.into()])
        .invalid("messages", "must end with a message of the user")
}

fn story(temperature: Option<f64>, session: Option<i64>) -> Value {
    let mut body = json!({"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me a story"}]});
    if let Some(entries) = body.as_object_mut() {
        entries.extend(temperature.map(|temperature| ("temperature".to_owned(), temperature.into())));
        entries.extend(session.map(|session| ("session_id".to_owned(), session.into())));
    }
    body
}

fn whole() -> Value {
    json!({
        "model": "gpt-4",
        "messages": [
            {"role": "system", "content": "You are a storyteller."},
            {"role": "user", "content": "Tell me a story"},
            {"role": "assistant", "content": "Once upon a time there was a fox."},
            {"role": "user", "content": "What was its name?"}
        ],
        "session_id": 123,
        "max_tokens": 1000,
        "stream": false
    })
}

fn reply() -> Value {
    json!({
        "session_id": 123,
        "model": "gpt-4",
        "message": {"role": "assistant", "content": "Its name was Renard."},
        "title": "Tell me a story",
        "usage": {"input_tokens": 10, "output_tokens": 15, "total_tokens": 25}
    })
}
