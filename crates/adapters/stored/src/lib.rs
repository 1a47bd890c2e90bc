//! What both stores share: rows of tables and what they become in the domain, parts of messages as JSON, lengths of
//! deltas as bytes, words for enums. No I/O.
//!
//! Stored JSON names its version. A form that was ever written can be read by every later version.

mod batch;
mod chunks;
mod columns;
mod conversation;
mod enums;
mod lengths;
mod message;
mod parts;
mod persona;
mod prompt;
mod readable;
mod turn;
mod user;

use domain::Reply;
use domain::reply::ReplyError;
use ports::StoreError;

pub use batch::{ListedColumns, last_page, message_batch, messages_of_several};
pub use chunks::{KeptChunk, fold_chunks};
pub use columns::{KeyColumns, StoredTime, UsageColumns, count_from, count_to, model_name};
pub use conversation::{ChangeColumns, ConversationColumns};
pub use enums::{StoredEnd, contract_from, contract_name, contract_names, purpose_from, purpose_name};
pub use lengths::{lengths_from_bytes, lengths_to_bytes};
pub use message::{MessageColumns, MessageToAppend, ReplyToAppend, WindowColumns, reply_count};
pub use parts::{parts_from_json, parts_to_json};
pub use persona::PersonaColumns;
pub use prompt::{PromptColumns, PromptVersionColumns};
pub use readable::readable;
pub use turn::{EndingColumns, ReplyColumns, TurnColumns, signals};
pub use user::UserColumns;

/// A stored value cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The JSON is broken, or does not have the expected form.
    #[error("the stored JSON cannot be read")]
    Json(#[from] serde_json::Error),
    /// A form that only a later version of this program knows.
    #[error("the stored form has the unknown version {0}")]
    Version(u32),
    /// The bytes of the lengths break off, or a length is beyond 32 bits.
    #[error("the stored lengths cannot be read")]
    Lengths,
    /// The lengths of the deltas do not fit the parts.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// A number or a time beyond its range, or none where there must be one.
    #[error("the stored {what} is out of range")]
    OutOfRange {
        /// What the number stands for.
        what: &'static str,
    },
    /// A text that breaks the rules for such texts.
    #[error("the stored {what} is not valid")]
    Text {
        /// What the text stands for.
        what: &'static str,
        /// The rule that it breaks.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An unknown word for an enum.
    #[error("the stored {what} is unknown: {word}")]
    Word {
        /// The enum, such as `role`.
        what: &'static str,
        /// The word.
        word: String,
    },
}

impl StoredError {
    /// What could not be read, in a word or two.
    fn what(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Version(_) | Self::Lengths | Self::Reply(_) => "message",
            Self::OutOfRange { what } | Self::Text { what, .. } | Self::Word { what, .. } => what,
        }
    }
}

impl From<StoredError> for StoreError {
    fn from(error: StoredError) -> Self {
        Self::Corrupt { what: error.what(), source: error.into() }
    }
}

/// A reply, made of its parts and the lengths of its deltas.
///
/// # Errors
/// [`StoredError`] where either cannot be read, or they do not fit each other.
pub fn reply_from(parts_json: &str, lengths: &[u8]) -> Result<Reply, StoredError> {
    Ok(Reply::from_stored(parts_from_json(parts_json)?, &lengths_from_bytes(lengths)?)?)
}

#[cfg(test)]
mod tests {
    use domain::{Delta, JsonText};

    use super::*;

    fn said() -> Reply {
        let mut reply = Reply::default();
        reply.push(Delta::Reasoning("hm".into()));
        reply.push(Delta::Text("Zürich ".into()));
        reply.push(Delta::Text("liegt 🏔".into()));
        reply.push(Delta::ToolCall {
            call: "call_1".into(),
            name: "weather".into(),
            arguments: JsonText::from_parsed(r#"{"city":"Zürich"}"#.into()),
        });
        reply
    }

    #[test]
    fn a_reply_comes_back_delta_by_delta() {
        let reply = said();
        let json = parts_to_json(reply.parts());
        let bytes = lengths_to_bytes(reply.lengths());
        assert_eq!(reply_from(&json, &bytes).unwrap(), reply);
    }

    #[test]
    fn an_empty_reply_comes_back_empty() {
        assert_eq!(reply_from(&parts_to_json(&[]), &[]).unwrap(), Reply::default());
    }

    #[test]
    fn lengths_of_another_reply_are_an_error() {
        let json = parts_to_json(said().parts());
        assert!(matches!(reply_from(&json, &lengths_to_bytes([3].into_iter())), Err(StoredError::Reply(_))));
    }
}
