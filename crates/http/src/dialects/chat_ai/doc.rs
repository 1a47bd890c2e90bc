//! Descriptions of the endpoints of S3. The examples, with their ids, are those of its document.

use serde_json::{Value, json};

use super::request::CompletionRequest;
use super::response::{ConversationBody, ReplyBody};
use crate::error::ApiError;
use crate::extract::ListQuery;
use crate::openapi::{OperationDoc, parameters, tags};

const CONVERSATION: &str = "248f789b-28cd-4cea-8c33-a2621430f81b";

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("beginConversation", "Create a conversation")
        .tags([tags::CHAT_AI])
        .description("The request needs no body. A body is ignored.")
        .response::<ConversationBody>("The new conversation, without messages", [("as documented", empty())])
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listConversationsWithMessages", "List conversations with their messages")
        .tags([tags::CHAT_AI])
        .description(
            "Lists all conversations of the caller, the last updated first. The messages of each are listed oldest first.",
        )
        .query::<ListQuery>()
        .list_response::<ConversationBody>("The conversations", [("as documented", listed())])
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn complete() -> OperationDoc {
    OperationDoc::new("complete", "Send a message")
        .tags([tags::CHAT_AI])
        .description(
            "Sends a message to the conversation and returns the reply. With `stream` the reply is sent as plain text \
             while the model writes it. If the model fails after that has begun, the body is cut off without its last \
             chunk: the client sees a transport error, and not an incomplete reply that looks complete.",
        )
        .path_param(parameters::conversation(CONVERSATION))
        .body::<CompletionRequest>([
            ("as documented", json!({"message": "What is the current day?", "stream": "false"})),
            ("as documented, streamed", json!({"message": "What is the current day?", "stream": "true"})),
        ])
        .response::<ReplyBody>("The reply. With `stream`, its text", [("as documented", reply())])
        .stream("", "text/plain", "Vel dolorem reprehenderit mollitia sit commodi")
        .starts_turn()
        .errors([ApiError::no_conversation()])
        .invalid("message", "must not be empty")
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
