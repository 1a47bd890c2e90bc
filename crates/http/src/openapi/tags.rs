//! The groups of operations, as the description shows them.

use utoipa::openapi::tag::{Tag, TagBuilder};

pub(crate) const ACCOUNTS: &str = "Accounts";
pub(crate) const LLM_CHAT: &str = "LLM Chat API";
pub(crate) const CHAT_API: &str = "Chat API";
pub(crate) const CHAT_SERVICE: &str = "Chat Service";
pub(crate) const CHAT_AI: &str = "ChatAI-API";
pub(crate) const PERSONA_CHAT: &str = "Persona Chat";
pub(crate) const TURNS: &str = "Turns";
pub(crate) const SERVICE: &str = "Service";

const DESCRIPTIONS: [(&str, &str); 8] = [
    (ACCOUNTS, "Registration, sign-in, and the account of a token."),
    (LLM_CHAT, "Conversations with titles, summaries and costs, and JSON streams."),
    (CHAT_API, "Sessions with a model of their own, and files for it to read."),
    (CHAT_SERVICE, "Conversations of a project."),
    (CHAT_AI, "Conversations with their messages inside, and plain text streams."),
    (PERSONA_CHAT, "Personas, and conversations with them."),
    (TURNS, "Watching and stopping a reply while it is written, in every contract."),
    (SERVICE, "Information about the service and its health."),
];

/// All groups, in the order in which they are shown.
pub(crate) fn all() -> [Tag; 8] {
    DESCRIPTIONS
        .map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build())
}
