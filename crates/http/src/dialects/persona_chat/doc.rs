//! Contract S4, with the examples of its document.

use serde_json::{Value, json};
use services::PersonasError;
use utoipa::openapi::path::Parameter;

use super::request::{ConversationsQuery, CreateRequest, MessagesQuery, SendRequest, UpdateRequest};
use super::response::{ConversationBody, ExchangeBody, HealthBody, MessageBody, StatsBody};
use crate::dialects::personas::doc::{no_number, no_persona};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, parameters, tags};
use crate::wire::DoneMessage;

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("createPersonaConversation", "Begin a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .body::<CreateRequest>([
            ("as documented", json!({"title": "First Chat with Alex", "persona_id": 1})),
            ("as documented, a friend", json!({"title": "Chat with My Friend Alex", "persona_id": 1})),
            ("as documented, a test", json!({"title": "Test Chat", "persona_id": 1})),
        ])
        .response::<ConversationBody>("The new conversation", [("as documented", conversation())])
        .errors([no_persona(), FieldError::new("title", "must not be empty").into()])
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listPersonaConversations", "The caller's conversations with personas")
        .tags([tags::PERSONA_CHAT])
        .description("Newest update first.")
        .query::<ConversationsQuery>()
        .list_response::<ConversationBody>("The conversations", [("one", json!([conversation()]))])
        .errors([FieldError::new("limit", "must be between 1 and 1000").into()])
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getPersonaConversation", "One conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .path_param(conversation_id())
        .response::<ConversationBody>("The conversation", [("as documented", conversation())])
        .errors(not_yours())
        .errors([no_number()])
}

pub(super) fn update() -> OperationDoc {
    OperationDoc::new("updatePersonaConversation", "Change the title or the persona")
        .tags([tags::PERSONA_CHAT])
        .description("What is not named stays.")
        .path_param(conversation_id())
        .body::<UpdateRequest>([("as documented", json!({"title": "Updated Chat Title", "persona_id": 1}))])
        .response::<ConversationBody>("The conversation as it is now", [("updated", updated())])
        .errors(not_yours())
        .errors([no_persona(), FieldError::whole("title or persona_id is required").into()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deletePersonaConversation", "Delete a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .description("For good, with its messages. A turn that runs is stopped.")
        .path_param(conversation_id())
        .response::<DoneMessage>(
            "It is deleted",
            [("deleted", json!({"message": "Conversation 1 deleted successfully"}))],
        )
        .errors(not_yours())
        .errors([no_number()])
}

pub(super) fn send() -> OperationDoc {
    OperationDoc::new("sendToPersona", "Send a message, and read the persona's reply")
        .tags([tags::PERSONA_CHAT])
        .path_param(conversation_id())
        .body::<SendRequest>([
            ("as documented", json!({"content": "Hi Alex! How are you doing today?"})),
            ("as documented, briefly", json!({"content": "Hello!"})),
        ])
        .response::<ExchangeBody>("Both messages, and the conversation", [("as documented", exchange())])
        .starts_turn()
        .errors(not_yours())
        .errors([FieldError::new("content", "must not be empty").into()])
}

pub(super) fn messages() -> OperationDoc {
    OperationDoc::new("listPersonaMessages", "The messages of a conversation with a persona")
        .tags([tags::PERSONA_CHAT])
        .description("Oldest first.")
        .path_param(conversation_id())
        .query::<MessagesQuery>()
        .list_response::<MessageBody>("The messages", [("as documented", json!([question(), answer()]))])
        .errors(not_yours())
        .errors([FieldError::new("limit", "must be between 1 and 1000").into()])
}

pub(super) fn delete_message() -> OperationDoc {
    OperationDoc::new("deletePersonaMessage", "Delete a message")
        .tags([tags::PERSONA_CHAT])
        .description("It leaves lists and prompts; what it cost stays counted.")
        .path_param(parameters::number("The message", 2))
        .response::<DoneMessage>(
            "It is deleted",
            [("deleted", json!({"message": "Message 2 deleted successfully"}))],
        )
        .errors([
            PersonasError::NoMessage.into(),
            PersonasError::ForeignMessage.into(),
            PersonasError::MessageInUse.into(),
            no_number(),
        ])
}

pub(super) fn stats() -> OperationDoc {
    OperationDoc::new("personaChatStats", "What the caller's conversations add up to")
        .tags([tags::PERSONA_CHAT])
        .description("The cost is the contract's own estimate: 0.002 dollars for a thousand tokens.")
        .response::<StatsBody>("The sums", [("as documented", totals())])
}

pub(super) fn health() -> OperationDoc {
    OperationDoc::new("personaChatHealth", "Whether the provider answers")
        .tags([tags::PERSONA_CHAT])
        .description("200 in either case; `openai_api` speaks of whichever provider is configured.")
        .response::<HealthBody>(
            "The health",
            [
                ("as documented", json!({"status": "healthy", "openai_api": "connected"})),
                ("unhealthy", json!({"status": "unhealthy", "openai_api": "disconnected"})),
            ],
        )
}

fn conversation_id() -> Parameter {
    parameters::number("The conversation", 1)
}

fn not_yours() -> [ApiError; 2] {
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
    json!({
        "id": 1,
        "title": "Updated Chat Title",
        "persona_id": 1,
        "user_id": 1,
        "is_active": true,
        "created_at": "2024-01-01T12:00:00.000000Z",
        "updated_at": "2024-01-01T12:10:00.000000Z"
    })
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
