//! The dialects: one for each contract, and those for what all contracts share.

use domain::Contract;

pub(crate) mod auth;
pub(crate) mod chat_ai;
pub(crate) mod chat_api;
pub(crate) mod conversations;
pub(crate) mod docs;
pub(crate) mod info;
pub(crate) mod llm_chat;
pub(crate) mod persona_chat;
pub(crate) mod personas;
pub(crate) mod prompts;
pub(crate) mod turns;

/// The contracts whose conversations get a title from a model (S0-48).
pub const TITLED_BY_MODEL: &[Contract] = &[Contract::LlmChat];
