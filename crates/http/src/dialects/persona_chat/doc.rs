//! Descriptions of the endpoints of S4. The examples are those of its document.

use serde_json::{Value, json};
use services::PersonasError;
use utoipa::openapi::path::Parameter;

use super::request::{ConversationsQuery, CreateRequest, MessagesQuery, SendRequest, UpdateRequest};
use super::response::{ConversationBody, ExchangeBody, HealthBody, MessageBody, StatsBody};
use crate::dialects::personas::doc::{no_persona, not_a_number};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, headers, parameters, tags, with};
use crate::wire::DoneMessage;

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("createPersonaConversation", "Create a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .body::<CreateRequest>([
            ("as documented", json!({"title": "First Chat with Alex", "persona_id": 1})),
            ("as documented, a friend", json!({"title": "Chat with My Friend Alex", "persona_id": 1})),
            ("as documented, a test", json!({"title": "Test Chat", "persona_id": 1})),
        ])
        .response::<ConversationBody>("The new conversation", [("as documented", conversation())])
        .errors([no_persona()])
        .invalid("title", "must not be empty")
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listPersonaConversations", "List conversations with personas")
        .tags([tags::PERSONA_CHAT])
        .description("Lists the conversations of the caller with personas, the last updated first.")
        .query::<ConversationsQuery>()
        .list_response::<ConversationBody>("The conversations", [("one", json!([conversation()]))])
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getPersonaConversation", "Get a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .path_param(conversation_id())
        .response::<ConversationBody>("The conversation", [("as documented", conversation())])
        .errors(no_access())
        .errors([not_a_number()])
}

pub(super) fn update() -> OperationDoc {
    OperationDoc::new("updatePersonaConversation", "Change the title or the persona of a conversation")
        .tags([tags::PERSONA_CHAT])
        .description("Fields that are absent are not changed.")
        .path_param(conversation_id())
        .body::<UpdateRequest>([("as documented", json!({"title": "Updated Chat Title", "persona_id": 1}))])
        .response::<ConversationBody>("The changed conversation", [("updated", updated())])
        .errors(no_access())
        .errors([no_persona(), FieldError::whole("title or persona_id is required").into()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deletePersonaConversation", "Delete a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .description("Deletes the conversation for good, with its messages. A running turn is stopped.")
        .path_param(conversation_id())
        .response::<DoneMessage>(
            "The conversation is deleted",
            [("deleted", json!({"message": "Conversation 1 deleted successfully"}))],
        )
        .errors(no_access())
        .errors([not_a_number()])
}

pub(super) fn send() -> OperationDoc {
    OperationDoc::new("sendToPersona", "Send a message to a persona")
        .tags([tags::PERSONA_CHAT])
        .description(
            "Sends a message to the conversation and returns it together with the reply of the persona.",
        )
        .path_param(conversation_id())
        .body::<SendRequest>([
            ("as documented", json!({"content": "Hi Alex! How are you doing today?"})),
            ("as documented, briefly", json!({"content": "Hello!"})),
        ])
        .response::<ExchangeBody>("The conversation and both messages", [("as documented", exchange())])
        .starts_turn()
        .errors(no_access())
        .invalid("content", "must not be empty")
}

pub(super) fn messages() -> OperationDoc {
    OperationDoc::new("listPersonaMessages", "List the messages of a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .description(
            "The messages are listed oldest first. With a `limit`, only the newest ones are listed. To read the older ones \
             page by page, pass the id of the first message of a page as `before`, while `X-Has-More` is `true`; to read \
             newer ones, pass the id of the last message as `after`.",
        )
        .path_param(conversation_id())
        .query::<MessagesQuery>()
        .list_response::<MessageBody>("The messages", [("as documented", json!([question(), answer()]))])
        .header(headers::HAS_MORE)
        .errors(no_access())
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn delete_message() -> OperationDoc {
    OperationDoc::new("deletePersonaMessage", "Delete a message")
        .tags([tags::PERSONA_CHAT])
        .description(
            "The message is no longer listed, and no longer sent to the model. Its tokens and cost are still counted. A \
             message of a running turn cannot be deleted.",
        )
        .path_param(parameters::number("id", "The id of the message", 2))
        .response::<DoneMessage>(
            "The message is deleted",
            [("deleted", json!({"message": "Message 2 deleted successfully"}))],
        )
        .errors([
            PersonasError::NoMessage.into(),
            PersonasError::ForeignMessage.into(),
            PersonasError::MessageInUse.into(),
            not_a_number(),
        ])
}

pub(super) fn stats() -> OperationDoc {
    OperationDoc::new("personaChatStats", "Get totals of the caller's conversations with personas")
        .tags([tags::PERSONA_CHAT])
        .description("The cost is an estimate that the contract defines: 0.002 US dollars for 1,000 tokens.")
        .response::<StatsBody>("The totals", [("as documented", totals())])
}

pub(super) fn health() -> OperationDoc {
    OperationDoc::new("personaChatHealth", "Check that the model provider can be reached")
        .tags([tags::PERSONA_CHAT])
        .description(
            "The status is 200 in both cases. `openai_api` is about the configured provider, even if it is not OpenAI.",
        )
        .response::<HealthBody>(
            "Whether the provider can be reached",
            [
                ("as documented", json!({"status": "healthy", "openai_api": "connected"})),
                ("unhealthy", json!({"status": "unhealthy", "openai_api": "disconnected"})),
            ],
        )
}

fn conversation_id() -> Parameter {
    parameters::number("id", "The id of the conversation", 1)
}

/// The conversation does not exist, or belongs to another user.
fn no_access() -> [ApiError; 2] {
    [PersonasError::NoConversation.into(), PersonasError::ForeignConversation.into()]
}

fn conversation() -> Value {
    json!({
        "id": 1,
        "title": "First Chat with Alex",
        "persona_id": 1,
        "user_id": 1,
        "is_active": true,
        "created_at": "2024-01-01T12:00:00",
        "updated_at": "2024-01-01T12:05:00"
    })
}

fn updated() -> Value {
    let changes = json!({
        "title": "Updated Chat Title",
        "created_at": "2024-01-01T12:00:00.000000Z",
        "updated_at": "2024-01-01T12:10:00.000000Z"
    });
    with(conversation(), changes)
}

fn question() -> Value {
    json!({
        "id": 1,
        "conversation_id": 1,
        "role": "user",
        "content": "Hi Alex! How are you doing today?",
        "created_at": "2024-01-01T12:05:00"
    })
}

fn answer() -> Value {
    json!({
        "id": 2,
        "conversation_id": 1,
        "role": "assistant",
        "content": "Hey there! I'm doing great, thanks for asking! How about you?",
        "tokens_used": 25,
        "model_used": "gpt-3.5-turbo",
        "response_time_ms": 1200,
        "created_at": "2024-01-01T12:05:01"
    })
}

fn exchange() -> Value {
    json!({"conversation": conversation(), "user_message": question(), "assistant_message": answer()})
}

fn totals() -> Value {
    json!({
        "total_conversations": 5,
        "total_messages": 150,
        "total_tokens": 5000,
        "estimated_cost_usd": 0.01
    })
}
