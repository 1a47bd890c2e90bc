//! The groups of operations in the description.

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
    (ACCOUNTS, "Registration, sign-in and the caller's account."),
    (
        LLM_CHAT,
        "Chat with text and images. Conversations have titles, summaries, token counts and costs; replies stream as JSON events.",
    ),
    (CHAT_API, "Sessions with their own model, PDF files for it to read, and prompts with variables."),
    (CHAT_SERVICE, "Conversations that belong to a project."),
    (CHAT_AI, "Conversations that are listed with their messages; replies stream as plain text."),
    (PERSONA_CHAT, "Personas that the model plays, and conversations with them."),
    (TURNS, "Watching and stopping a reply while it is being written, whichever API started it."),
    (SERVICE, "Information about the service and its health."),
];

/// All groups, in the order in which they are shown.
pub(crate) fn all() -> [Tag; 8] {
    DESCRIPTIONS
        .map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build())
}
