//! Contract S3. Bodies and answers are those of its document; its conversation and its messages have these ids there.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::operation::Described;
use super::{CHAT_AI, parameters};
use crate::dialects::chat_ai::request::CompletionRequest;
use crate::dialects::chat_ai::response::{ConversationBody, ReplyBody};
use crate::error::ApiError;
use crate::extract::{FieldError, ListQuery};

const CONVERSATION: &str = "248f789b-28cd-4cea-8c33-a2621430f81b";

pub(super) fn operations() -> Vec<Described> {
    vec![
        Described::new(Method::POST, "/conversation", "beginConversation", "Begin a conversation")
            .of([CHAT_AI])
            .tells("No body is expected, and none is read.")
            .answers::<ConversationBody>("The new, empty conversation", [("as documented", empty())]),
        Described::new(Method::GET, "/conversation", "listConversationsWithMessages", "All conversations, with messages")
            .of([CHAT_AI])
            .tells("Newest update first; the messages of each oldest first.")
            .asks::<ListQuery>()
            .answers_list::<ConversationBody>("The caller's conversations", [("as documented", list())])
            .refuses([FieldError::new("limit", "must be between 1 and 1000").into()]),
        Described::new(Method::POST, "/conversation/completion/{id}", "complete", "Send a message, and read the reply")
            .of([CHAT_AI])
            .tells(
                "With `stream` the reply comes as plain text while it is written. A stream that fails is cut off, \
                 without its last chunk: a client sees an error of the transport, never a reply that looks whole.",
            )
            .at(parameters::conversation(CONVERSATION))
            .takes::<CompletionRequest>([
                ("as documented", json!({"message": "What is the current day?", "stream": "false"})),
                ("as documented, streamed", json!({"message": "What is the current day?", "stream": "true"})),
            ])
            .answers::<ReplyBody>("The reply, whole or as it is written", [("as documented", reply())])
            .streams("", "text/plain", "Vel dolorem reprehenderit mollitia sit commodi")
            .runs_a_turn()
            .refuses([ApiError::no_conversation(), FieldError::new("message", "must not be empty").into()]),
    ]
}

fn empty() -> Value {
    json!({"id": CONVERSATION, "messages": [], "created_at": "2023-12-04T17:28:52.678004Z"})
}

fn reply() -> Value {
    json!({
        "id": "d90aa31b-b4bc-46d1-8c39-8a06b3f7306c",
        "author": "assistant",
        "content": ".....",
        "created_at": "2023-12-04T17:31:19.842284Z"
    })
}

fn list() -> Value {
    json!([{
        "id": CONVERSATION,
        "messages": [
            {
                "id": "08e6863d-1fa3-43b4-9175-2cb426ce84b5",
                "author": "user",
                "content": "What is the current day?",
                "created_at": "2023-12-04T17:34:35.567000"
            },
            {
                "id": "0b10fd23-e0aa-488d-8759-20dc5f1c01d6",
                "author": "assistant",
                "content": "Vel dolorem reprehenderit mollitia sit commodi consequuntur nobis qui. Similique \
                            doloremque molestiae quos consequatur quae debitis nobis neque. Sit ducimus atque id \
                            corporis est.",
                "created_at": "2023-12-04T17:34:35.639000"
            }
        ],
        "created_at": "2023-12-04T17:28:52.678000"
    }])
}
