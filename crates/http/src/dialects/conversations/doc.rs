//! Descriptions of `/conversations*`. S0 and S2 share these paths, and the bodies have the fields of both (C-1, C-2).

use serde_json::{Value, json};

use super::request::{
    CreateQuery, CreateRequest, DeleteQuery, LabelQuery, MessagesQuery, PatchRequest, SendRequest,
};
use super::response::{ConversationBody, DeletedBody, MessageBody, SentBody};
use crate::error::{ApiError, FieldError};
use crate::extract::ListQuery;
use crate::openapi::{OperationDoc, headers, parameters, tags, with};

/// The conversation in the examples of S0.
const ID: &str = "conv_xxx";
/// The conversation in the examples of S2.
const ID_OF_S2: &str = "conversation-id";

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("createConversation", "Create a conversation")
        .tags([tags::LLM_CHAT, tags::CHAT_SERVICE])
        .description(
            "With a JSON object as the body, which may be empty, creates a conversation of the LLM Chat API; the id in the \
             response is `conv_…`. With `project_id` in the query, creates a conversation of the Chat Service; the id in \
             the response is a UUID, and a body is ignored.",
        )
        .query::<CreateQuery>()
        .body::<CreateRequest>([("as documented", new_conversation())])
        .optional_body()
        .response::<ConversationBody>(
            "The new conversation",
            [("LLM Chat API", conversation()), ("Chat Service", conversation_of_project())],
        )
        .errors([FieldError::whole("project_id in the query or a JSON body is required").into()])
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getConversation", "Get a conversation")
        .tags([tags::LLM_CHAT, tags::CHAT_SERVICE])
        .path_param(parameters::conversation(ID))
        .response::<ConversationBody>("The conversation", [("conversation", conversation())])
        .errors([ApiError::no_conversation()])
}

pub(super) fn patch() -> OperationDoc {
    OperationDoc::new("updateConversation", "Change the title or the metadata of a conversation")
        .tags([tags::LLM_CHAT])
        .description("Fields that are absent are not changed.")
        .path_param(parameters::conversation(ID))
        .body::<PatchRequest>([
            ("as documented", json!({"title": "New Title", "metadata": {"updated": true}})),
            ("as documented, title alone", json!({"title": "Python Tutorial"})),
        ])
        .response::<ConversationBody>("The changed conversation", [("conversation", patched())])
        .errors([ApiError::no_conversation(), FieldError::whole("title or metadata is required").into()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deleteConversation", "Delete a conversation")
        .tags([tags::LLM_CHAT, tags::CHAT_SERVICE])
        .description(
            "A soft delete hides the conversation until it is restored; a running turn is finished. With `soft=false` the \
             conversation is deleted for good, and a running turn is stopped.",
        )
        .path_param(parameters::conversation(ID))
        .query::<DeleteQuery>()
        .response::<DeletedBody>("The conversation is deleted", [("deleted", deleted())])
        .errors([
            ApiError::no_conversation(),
            FieldError::whole("soft: invalid value: string \"maybe\", expected true or false").into(),
        ])
}

pub(super) fn restore() -> OperationDoc {
    OperationDoc::new("restoreConversation", "Restore a conversation after a soft delete")
        .tags([tags::LLM_CHAT])
        .path_param(parameters::conversation(ID))
        .response::<ConversationBody>("The restored conversation", [("conversation", conversation())])
        .errors([ApiError::no_conversation()])
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listConversations", "List conversations by label")
        .tags([tags::LLM_CHAT])
        .description(
            "Lists the conversations of the caller that have the label `user_id`, the last updated first. The label gives \
             no access: only conversations of the token's user are listed.",
        )
        .query::<LabelQuery>()
        .list_response::<ConversationBody>("The conversations", [("one", json!([conversation()]))])
        .invalid("user_id", "is required")
}

pub(super) fn list_of_project() -> OperationDoc {
    OperationDoc::new("listProjectConversations", "List the conversations of a project")
        .tags([tags::CHAT_SERVICE])
        .description(
            "Lists the conversations of the caller that belong to the project, the last updated first. For an unknown \
             project the list is empty.",
        )
        .path_param(parameters::project())
        .query::<ListQuery>()
        .list_response::<ConversationBody>("The conversations", [("one", json!([conversation_of_project()]))])
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn messages() -> OperationDoc {
    OperationDoc::new("listMessages", "List the messages of a conversation")
        .tags([tags::LLM_CHAT, tags::CHAT_SERVICE])
        .description(
            "Lists the messages of the conversation. Without a `limit` all of them are listed. To read page by page, pass \
             the id of the last message of a page as `after`, while `X-Has-More` is `true`; or the id of its first \
             message as `before`, to read in the other direction.",
        )
        .path_param(parameters::conversation(ID))
        .query::<MessagesQuery>()
        .list_response::<MessageBody>(
            "The messages",
            [("as documented", documented_messages()), ("with all keys", whole_messages())],
        )
        .header(headers::HAS_MORE)
        .errors([ApiError::no_conversation()])
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn send() -> OperationDoc {
    OperationDoc::new("sendMessage", "Send a message")
        .tags([tags::CHAT_SERVICE])
        .description(
            "Sends a message to the conversation and returns the whole reply. `message_id` in the response is the id of the \
             conversation, as in the example of the contract; the ids of the two messages are in `user_message_id` and \
             `assistant_message_id`.",
        )
        .path_param(parameters::conversation(ID_OF_S2))
        .body::<SendRequest>([("as documented", json!({"content": "Hello, how are you?"}))])
        .response::<SentBody>(
            "The reply",
            [("as documented", documented_reply()), ("with all keys", whole_reply())],
        )
        .starts_turn()
        .header(headers::CONVERSATION_ID)
        .errors([ApiError::no_conversation()])
        .invalid("content", "must not be empty")
}

fn new_conversation() -> Value {
    json!({"user_id": "user123", "title": "My Chat", "metadata": {"category": "support"}})
}

fn conversation() -> Value {
    json!({
        "id": ID,
        "user_id": "user123",
        "project_id": null,
        "title": "My Chat",
        "summary": null,
        "summary_message_count": 0,
        "summary_updated_at": null,
        "message_count": 1,
        "total_tokens": 25,
        "total_cost": 0.000_175,
        "metadata": {"category": "support"},
        "created_at": "2024-01-16T12:00:00.000000Z",
        "updated_at": "2024-01-16T12:00:00.000000Z"
    })
}

fn patched() -> Value {
    with(conversation(), json!({"title": "New Title", "metadata": {"category": "support", "updated": true}}))
}

fn conversation_of_project() -> Value {
    let own = json!({
        "id": "01934a5b-6c7d-7e8f-9012-3456789abcde",
        "user_id": "1",
        "project_id": "project1",
        "title": null,
        "message_count": 0,
        "total_tokens": 0,
        "total_cost": 0.0,
        "metadata": {}
    });
    with(conversation(), own)
}

fn deleted() -> Value {
    json!({"success": true, "message": "Conversation deleted successfully", "id": ID, "soft": true})
}

fn documented_messages() -> Value {
    json!([
        {"id": "msg_xxx", "role": "user", "content": "What is Python?"},
        {"id": "msg_yyy", "role": "assistant", "content": "Python is..."}
    ])
}

fn whole_messages() -> Value {
    json!([
        {
            "id": "msg_xxx",
            "conversation_id": ID,
            "role": "user",
            "content": "What is Python?",
            "created_at": "2024-01-16T12:00:00.000000Z"
        },
        {
            "id": "msg_yyy",
            "conversation_id": ID,
            "role": "assistant",
            "content": "Python is...",
            "created_at": "2024-01-16T12:00:01.000000Z"
        }
    ])
}

fn documented_reply() -> Value {
    json!({
        "message_id": ID_OF_S2,
        "response": "I'm doing well, thank you for asking!",
        "created_at": "2024-01-16T12:00:00"
    })
}

fn whole_reply() -> Value {
    let more = json!({
        "created_at": "2024-01-16T12:00:00.000000Z",
        "conversation_id": ID_OF_S2,
        "user_message_id": "msg_xxx",
        "assistant_message_id": "msg_yyy"
    });
    with(documented_reply(), more)
}
