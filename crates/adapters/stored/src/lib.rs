//! What both stores keep in text and bytes: parts of messages, lengths of deltas, names of enums. Pure.
//!
//! Each stored form names its version, and a form once written is read for ever.

mod chunks;
mod columns;
mod conversation;
mod enums;
mod lengths;
mod parts;

use domain::Reply;
use domain::reply::ReplyError;

pub use chunks::{KeptChunk, fold_chunks};
pub use columns::{StoredTime, count_from};
pub use conversation::ChangeColumns;
pub use enums::{StoredEnd, contract_from, contract_name, purpose_from, purpose_name};
pub use lengths::{lengths_from_bytes, lengths_to_bytes};
pub use parts::{parts_from_json, parts_to_json};

/// What is stored cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The JSON is broken, or is not of the form it should have.
    #[error("the stored JSON cannot be read")]
    Json(#[from] serde_json::Error),
    /// Written by a later version of this program.
    #[error("the stored form has the unknown version {0}")]
    Version(u32),
    /// The lengths of deltas are cut off, or too large.
    #[error("the stored lengths cannot be read")]
    Lengths,
    /// The deltas do not fit the parts.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// A number or a time that nothing can have.
    #[error("the stored {what} is out of range")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
    },
    /// A text that its rules forbid.
    #[error("the stored {what} is not valid")]
    Text {
        /// What the text is.
        what: &'static str,
        /// The rule that it breaks.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A word that stands for nothing.
    #[error("the stored {what} is unknown: {word}")]
    Word {
        /// What the word is for.
        what: &'static str,
        /// The word.
        word: String,
    },
}

/// Puts a reply together from its parts and the lengths of its deltas.
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
