//! Rows of the tables and what they become in the domain.

mod conversation;
mod message;
mod turn;

pub(crate) use conversation::{
    ConversationRow, KeyColumns, PersonaRow, conversation_row, select_conversations,
};
pub(crate) use message::{MessageRow, WindowColumns, readable_messages};
pub(crate) use turn::{EndingRow, ReplyColumns, UsageColumns, ending_row};

use domain::ModelName;

use crate::error::DbError;

pub(crate) fn model_name(name: &str) -> Result<ModelName, DbError> {
    ModelName::parse(name).map_err(|error| DbError::corrupt("model name", error))
}

/// A count as a column keeps it; what is beyond it is kept as the most there is.
pub(crate) fn count_to<T>(count: impl TryInto<T>, most: T) -> T {
    count.try_into().unwrap_or(most)
}

/// A count from a column.
pub(crate) fn count_from<T: TryFrom<i64>>(column: i64) -> Result<T, DbError> {
    T::try_from(column).map_err(|_| DbError::corrupt("count", "out of range"))
}
