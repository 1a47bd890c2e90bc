//! The ledger: one row for each call of a model, whatever its purpose.

use crate::{ConversationId, ModelName, NanoDollars, Timestamp, TurnId, Usage, UserId};

/// The purpose of a model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The reply of a turn.
    Turn,
    /// The title of a conversation.
    Title,
    /// The summary of a conversation.
    Summary,
    /// The preview of a prompt.
    Preview,
}

/// One model call, with or without a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The user who pays for the call.
    pub user: UserId,
    /// The conversation, if any.
    pub conversation: Option<ConversationId>,
    /// The turn, if any.
    pub turn: Option<TurnId>,
    /// The purpose of the call.
    pub purpose: Purpose,
    /// The provider's name in the configuration, such as `openrouter`.
    pub provider: String,
    /// The model, by the name in the request.
    pub model: ModelName,
    /// The tokens of the call.
    pub usage: Usage,
    /// The cost of the call.
    pub cost: NanoDollars,
    /// The end of the call.
    pub at: Timestamp,
}
