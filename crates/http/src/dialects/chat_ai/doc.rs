//! Contract S3. Bodies and answers are those of its document; its conversation and its messages have these ids there.

use serde_json::{Value, json};

use super::request::CompletionRequest;
use super::response::{ConversationBody, ReplyBody};
use crate::error::{ApiError, FieldError};
use crate::extract::ListQuery;
use crate::openapi::{OperationDoc, parameters, tags};

const CONVERSATION: &str = "248f789b-28cd-4cea-8c33-a2621430f81b";

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("beginConversation", "Begin a conversation")
        .tags([tags::CHAT_AI])
        .description("No body is expected, and none is read.")
        .response::<ConversationBody>("The new, empty conversation", [("as documented", empty())])
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listConversationsWithMessages", "All conversations, with messages")
        .tags([tags::CHAT_AI])
        .description("Newest update first; the messages of each oldest first.")
        .query::<ListQuery>()
        .list_response::<ConversationBody>("The caller's conversations", [("as documented", listed())])
        .errors([FieldError::new("limit", "must be between 1 and 1000").into()])
}

pub(super) fn complete() -> OperationDoc {
    OperationDoc::new("complete", "Send a message, and read the reply")
            .tags([tags::CHAT_AI])
            .description(
                "With `stream` the reply comes as plain text while it is written. A stream that fails is cut off, \
                 without its last chunk: a client sees an error of the transport, never a reply that looks whole.",
            )
            .path_param(parameters::conversation(CONVERSATION))
            .body::<CompletionRequest>([
                ("as documented", json!({"message": "What is the current day?", "stream": "false"})),
                ("as documented, streamed", json!({"message": "What is the current day?", "stream": "true"})),
            ])
            .response::<ReplyBody>("The reply, whole or as it is written", [("as documented", reply())])
            .stream("", "text/plain", "Vel dolorem reprehenderit mollitia sit commodi")
            .starts_turn()
            .errors([ApiError::no_conversation(), FieldError::new("message", "must not be empty").into()])
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

fn listed() -> Value {
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
