//! `/conversations*`: contracts S0 and S2 share these paths, and the bodies are the union of both (C-1, C-2).

use actix_web::http::Method;
use serde_json::{Value, json};

use super::operation::Described;
use super::{CHAT_SERVICE, LLM_CHAT, parameters};
use crate::dialects::conversations::request::{
    CreateQuery, CreateRequest, DeleteQuery, LabelQuery, MessagesQuery, PatchRequest, SendRequest,
};
use crate::dialects::conversations::response::{ConversationBody, DeletedBody, MessageBody, SentBody};
use crate::error::ApiError;
use crate::extract::{FieldError, ListQuery};

/// The conversation of the examples of S0.
const ID: &str = "conv_xxx";
/// The conversation of the examples of S2.
const ID_OF_S2: &str = "conversation-id";

pub(super) fn operations() -> Vec<Described> {
    let mut all = one_by_one();
    all.extend(lists());
    all.extend(messages());
    all
}

fn one_by_one() -> Vec<Described> {
    const PATH: &str = "/conversations/{id}";
    vec![
        Described::new(Method::POST, "/conversations", "createConversation", "Begin a conversation")
            .of([LLM_CHAT, CHAT_SERVICE])
            .tells(
                "With a JSON object as the body, also an empty one, a conversation of the LLM Chat API (`conv_…`); with \
                 `project_id` in the query one of the Chat Service (a UUID), and the body is ignored.",
            )
            .asks::<CreateQuery>()
            .takes::<CreateRequest>([("as documented", new_conversation())])
            .or_nothing()
            .answers::<ConversationBody>(
                "The new conversation",
                [("LLM Chat API", conversation()), ("Chat Service", conversation_of_project())],
            )
            .refuses([FieldError::whole("project_id in the query or a JSON body is required").into()]),
        Described::new(Method::GET, PATH, "getConversation", "One conversation")
            .of([LLM_CHAT, CHAT_SERVICE])
            .at(parameters::conversation(ID))
            .answers::<ConversationBody>("The conversation", [("conversation", conversation())])
            .refuses([ApiError::no_conversation()]),
        Described::new(Method::PATCH, PATH, "updateConversation", "Change title or metadata")
            .of([LLM_CHAT])
            .at(parameters::conversation(ID))
            .takes::<PatchRequest>([
                ("as documented", json!({"title": "New Title", "metadata": {"updated": true}})),
                ("as documented, title alone", json!({"title": "Python Tutorial"})),
            ])
            .answers::<ConversationBody>("The conversation as it is now", [("conversation", patched())])
            .refuses([ApiError::no_conversation(), FieldError::whole("title or metadata is required").into()]),
        Described::new(Method::DELETE, PATH, "deleteConversation", "Delete a conversation")
            .of([LLM_CHAT, CHAT_SERVICE])
            .tells("Soft, it can be restored, and a turn that runs may end. For good, a turn that runs is stopped.")
            .at(parameters::conversation(ID))
            .asks::<DeleteQuery>()
            .answers::<DeletedBody>("It is deleted", [("deleted", deleted())])
            .refuses([
                ApiError::no_conversation(),
                FieldError::whole("soft: invalid value: string \"maybe\", expected true or false").into(),
            ]),
        Described::new(Method::POST, "/conversations/{id}/restore", "restoreConversation", "Take a soft delete back")
            .of([LLM_CHAT])
            .at(parameters::conversation(ID))
            .answers::<ConversationBody>("The conversation", [("conversation", conversation())])
            .refuses([ApiError::no_conversation()]),
    ]
}

fn lists() -> Vec<Described> {
    vec![
        Described::new(
            Method::GET,
            "/conversations",
            "listConversations",
            "The caller's conversations with a label",
        )
        .of([LLM_CHAT])
        .tells("Newest update first. The label is no identity: whose the conversations are, the token says.")
        .asks::<LabelQuery>()
        .answers_list::<ConversationBody>("The conversations", [("one", json!([conversation()]))])
        .refuses([FieldError::new("user_id", "is required").into()]),
        Described::new(
            Method::GET,
            "/conversations/project/{project_id}",
            "listProjectConversations",
            "The caller's conversations of a project",
        )
        .of([CHAT_SERVICE])
        .tells("Newest update first; an unknown project has none.")
        .at(parameters::project())
        .asks::<ListQuery>()
        .answers_list::<ConversationBody>("The conversations", [("one", json!([conversation_of_project()]))])
        .refuses([FieldError::new("limit", "must be between 1 and 1000").into()]),
    ]
}

fn messages() -> Vec<Described> {
    const PATH: &str = "/conversations/{id}/messages";
    vec![
        Described::new(Method::GET, PATH, "listMessages", "The messages of a conversation")
            .of([LLM_CHAT, CHAT_SERVICE])
            .at(parameters::conversation(ID))
            .asks::<MessagesQuery>()
            .answers_list::<MessageBody>(
                "The messages",
                [("as documented", documented_messages()), ("with all keys", whole_messages())],
            )
            .refuses([
                ApiError::no_conversation(),
                FieldError::new("limit", "must be between 1 and 1000").into(),
            ]),
        Described::new(Method::POST, PATH, "sendMessage", "Send a message, and read the reply")
            .of([CHAT_SERVICE])
            .tells("`message_id` holds the conversation's id, as the contract's own example has it.")
            .at(parameters::conversation(ID_OF_S2))
            .takes::<SendRequest>([("as documented", json!({"content": "Hello, how are you?"}))])
            .answers::<SentBody>(
                "The reply",
                [("as documented", documented_reply()), ("with all keys", whole_reply())],
            )
            .runs_a_turn()
            .with_header(super::headers::CONVERSATION_ID)
            .refuses([ApiError::no_conversation(), FieldError::new("content", "must not be empty").into()]),
    ]
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

fn with(mut conversation: Value, changes: Value) -> Value {
    if let (Value::Object(all), Value::Object(changes)) = (&mut conversation, changes) {
        all.extend(changes);
    }
    conversation
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
