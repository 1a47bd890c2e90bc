//! Contract S4, with the examples of its document.

use actix_web::http::Method;
use serde_json::{Value, json};
use services::PersonasError;
use utoipa::openapi::path::Parameter;

use super::operation::Described;
use super::personas::{no_number, no_persona};
use super::{PERSONA_CHAT, parameters};
use crate::dialects::persona_chat::request::{
    ConversationsQuery, CreateRequest, MessagesQuery, SendRequest, UpdateRequest,
};
use crate::dialects::persona_chat::response::{
    ConversationBody, ExchangeBody, HealthBody, MessageBody, StatsBody,
};
use crate::error::ApiError;
use crate::extract::FieldError;
use crate::wire::DoneMessage;

pub(super) fn operations() -> Vec<Described> {
    let mut all = conversations();
    all.extend(messages());
    all.extend(analytics());
    all
}

fn conversations() -> Vec<Described> {
    const ALL: &str = "/chat/conversations";
    const ONE: &str = "/chat/conversations/{id}";
    vec![
        Described::new(Method::POST, ALL, "createPersonaConversation", "Begin a conversation with a persona")
            .of([PERSONA_CHAT])
            .takes::<CreateRequest>([
                ("as documented", json!({"title": "First Chat with Alex", "persona_id": 1})),
                ("as documented, a friend", json!({"title": "Chat with My Friend Alex", "persona_id": 1})),
                ("as documented, a test", json!({"title": "Test Chat", "persona_id": 1})),
            ])
            .answers::<ConversationBody>("The new conversation", [("as documented", conversation())])
            .refuses([no_persona(), FieldError::new("title", "must not be empty").into()]),
        Described::new(
            Method::GET,
            ALL,
            "listPersonaConversations",
            "The caller's conversations with personas",
        )
        .of([PERSONA_CHAT])
        .tells("Newest update first.")
        .asks::<ConversationsQuery>()
        .answers_list::<ConversationBody>("The conversations", [("one", json!([conversation()]))])
        .refuses([FieldError::new("limit", "must be between 1 and 1000").into()]),
        Described::new(Method::GET, ONE, "getPersonaConversation", "One conversation with a persona")
            .of([PERSONA_CHAT])
            .at(conversation_id())
            .answers::<ConversationBody>("The conversation", [("as documented", conversation())])
            .refuses(not_yours())
            .refuses([no_number()]),
        Described::new(Method::PUT, ONE, "updatePersonaConversation", "Change the title or the persona")
            .of([PERSONA_CHAT])
            .tells("What is not named stays.")
            .at(conversation_id())
            .takes::<UpdateRequest>([(
                "as documented",
                json!({"title": "Updated Chat Title", "persona_id": 1}),
            )])
            .answers::<ConversationBody>("The conversation as it is now", [("updated", updated())])
            .refuses(not_yours())
            .refuses([no_persona(), FieldError::whole("title or persona_id is required").into()]),
        Described::new(
            Method::DELETE,
            ONE,
            "deletePersonaConversation",
            "Delete a conversation with a persona",
        )
        .of([PERSONA_CHAT])
        .tells("For good, with its messages. A turn that runs is stopped.")
        .at(conversation_id())
        .answers::<DoneMessage>(
            "It is deleted",
            [("deleted", json!({"message": "Conversation 1 deleted successfully"}))],
        )
        .refuses(not_yours())
        .refuses([no_number()]),
    ]
}

fn messages() -> Vec<Described> {
    vec![
        Described::new(
            Method::POST,
            "/chat/conversations/{id}/send",
            "sendToPersona",
            "Send a message, and read the persona's reply",
        )
        .of([PERSONA_CHAT])
        .at(conversation_id())
        .takes::<SendRequest>([
            ("as documented", json!({"content": "Hi Alex! How are you doing today?"})),
            ("as documented, briefly", json!({"content": "Hello!"})),
        ])
        .answers::<ExchangeBody>("Both messages, and the conversation", [("as documented", exchange())])
        .runs_a_turn()
        .refuses(not_yours())
        .refuses([FieldError::new("content", "must not be empty").into()]),
        Described::new(
            Method::GET,
            "/chat/conversations/{id}/messages",
            "listPersonaMessages",
            "The messages of a conversation with a persona",
        )
        .of([PERSONA_CHAT])
        .tells("Oldest first.")
        .at(conversation_id())
        .asks::<MessagesQuery>()
        .answers_list::<MessageBody>("The messages", [("as documented", json!([question(), answer()]))])
        .refuses(not_yours())
        .refuses([FieldError::new("limit", "must be between 1 and 1000").into()]),
        Described::new(Method::DELETE, "/chat/messages/{id}", "deletePersonaMessage", "Delete a message")
            .of([PERSONA_CHAT])
            .tells("It leaves lists and prompts; what it cost stays counted.")
            .at(parameters::number("The message", 2))
            .answers::<DoneMessage>(
                "It is deleted",
                [("deleted", json!({"message": "Message 2 deleted successfully"}))],
            )
            .refuses([
                PersonasError::NoMessage.into(),
                PersonasError::ForeignMessage.into(),
                PersonasError::MessageInUse.into(),
                no_number(),
            ]),
    ]
}

fn analytics() -> Vec<Described> {
    vec![
        Described::new(
            Method::GET,
            "/chat/stats",
            "personaChatStats",
            "What the caller's conversations add up to",
        )
        .of([PERSONA_CHAT])
        .tells("The cost is the contract's own estimate: 0.002 dollars for a thousand tokens.")
        .answers::<StatsBody>("The sums", [("as documented", stats())]),
        Described::new(Method::GET, "/chat/health", "personaChatHealth", "Whether the provider answers")
            .of([PERSONA_CHAT])
            .tells("200 in either case; `openai_api` speaks of whichever provider is configured.")
            .answers::<HealthBody>(
                "The health",
                [
                    ("as documented", json!({"status": "healthy", "openai_api": "connected"})),
                    ("unhealthy", json!({"status": "unhealthy", "openai_api": "disconnected"})),
                ],
            ),
    ]
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

fn stats() -> Value {
    json!({
        "total_conversations": 5,
        "total_messages": 150,
        "total_tokens": 5000,
        "estimated_cost_usd": 0.01
    })
}
