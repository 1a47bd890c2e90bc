//! The ledger: one row for each call of a model, whatever it was for.

use crate::{ConversationId, ModelName, NanoDollars, Timestamp, TurnId, Usage, UserId};

/// What a model call was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The answer of a turn.
    Turn,
    /// A title of a conversation.
    Title,
    /// A summary of a conversation.
    Summary,
    /// A preview of a prompt.
    Preview,
}

/// One model call, with or without a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Who pays for it.
    pub user: UserId,
    /// The conversation it was for.
    pub conversation: Option<ConversationId>,
    /// The turn it was for.
    pub turn: Option<TurnId>,
    /// Why the model was called.
    pub purpose: Purpose,
    /// The provider's name in the configuration, such as `openrouter`.
    pub provider: String,
    /// The model as it was asked for.
    pub model: ModelName,
    /// What the call consumed.
    pub usage: Usage,
    /// What it cost.
    pub cost: NanoDollars,
    /// When it ended.
    pub at: Timestamp,
}
