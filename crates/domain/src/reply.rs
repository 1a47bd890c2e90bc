//! A reply: its parts, and where each delta ended, so that a later replay sends exactly the same deltas.

use std::ops::Range;

use crate::JsonText;
use crate::message::{self, Part};

/// A delta of a reply, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delta {
    /// Text.
    Text(String),
    /// Text of a refusal.
    Refusal(String),
    /// Text of the model's reasoning.
    Reasoning(String),
    /// A complete tool call; adapters join its fragments.
    ToolCall {
        /// The id that the provider gave the call.
        call: String,
        /// The name of the tool.
        name: String,
        /// The arguments, as the model wrote them.
        arguments: JsonText,
    },
}

impl Delta {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Refusal(text) | Self::Reasoning(text) => text.len(),
            Self::ToolCall { call, name, arguments } => call.len() + name.len() + arguments.as_str().len(),
        }
    }
}

/// A reply, complete or still growing.
///
/// Invariant: the ends increase strictly, the last one is the size of all parts, and no delta spans two parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    parts: Vec<Part>,
    ends: Vec<u32>,
}

/// The stored deltas of a reply do not fit its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the deltas of a reply do not fit its parts")]
pub struct ReplyError;

impl Reply {
    /// Reads a stored reply.
    ///
    /// # Errors
    /// [`ReplyError`] if the lengths do not fit the parts.
    pub fn from_stored(parts: Vec<Part>, lengths: &[u32]) -> Result<Self, ReplyError> {
        let mut ends = Vec::with_capacity(lengths.len());
        let mut end: u32 = 0;
        for length in lengths {
            end = end.checked_add(*length).filter(|_| *length > 0).ok_or(ReplyError)?;
            ends.push(end);
        }
        let reply = Self { parts, ends };
        let readable = (0..reply.len()).all(|index| reply.delta(index).is_some());
        let size: usize = reply.parts.iter().map(Part::bytes).sum();
        if !readable || size != end as usize {
            return Err(ReplyError);
        }
        Ok(reply)
    }

    /// Appends a delta. An empty one is ignored.
    pub fn push(&mut self, delta: Delta) {
        let size = self.bytes() + delta.bytes();
        if delta.bytes() == 0 {
            return;
        }
        match (self.parts.last_mut(), delta) {
            (Some(Part::Text(text)), Delta::Text(more))
            | (Some(Part::Refusal(text)), Delta::Refusal(more))
            | (Some(Part::Reasoning(text)), Delta::Reasoning(more)) => text.push_str(&more),
            (_, Delta::Text(text)) => self.parts.push(Part::Text(text)),
            (_, Delta::Refusal(text)) => self.parts.push(Part::Refusal(text)),
            (_, Delta::Reasoning(text)) => self.parts.push(Part::Reasoning(text)),
            (_, Delta::ToolCall { call, name, arguments }) => {
                self.parts.push(Part::ToolCall { call, name, arguments });
            }
        }
        self.ends.push(u32::try_from(size).unwrap_or(u32::MAX));
    }

    /// Returns the number of deltas.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no deltas.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the size of all parts, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// Returns the parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns the readable text.
    #[must_use]
    pub fn text(&self) -> String {
        message::text_of(&self.parts)
    }

    /// Whether there is content to store as a message: text, a refusal or a tool call.
    #[must_use]
    pub fn has_content(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Reasoning(_)))
    }

    /// Whether it answers anything, see [`message::has_answer`].
    #[must_use]
    pub fn has_answer(&self, shows_reasoning: bool) -> bool {
        message::has_answer(&self.parts, shows_reasoning)
    }

    /// Returns the lengths of the deltas, in bytes: the form that is stored.
    pub fn lengths(&self) -> impl Iterator<Item = u32> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        self.ends.iter().zip(starts).map(|(end, start)| end - start)
    }

    /// Returns the delta with this index, as it arrived.
    #[must_use]
    pub fn delta(&self, index: usize) -> Option<Delta> {
        let end = *self.ends.get(index)? as usize;
        let start =
            index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let mut before = 0;
        for part in &self.parts {
            let size = part.bytes();
            if start < before + size {
                return Self::cut(part, start - before, end - before);
            }
            before += size;
        }
        None
    }

    /// Returns the deltas from this index on, as a reply of their own.
    #[must_use]
    pub fn since(&self, index: usize) -> Self {
        self.slice(index..self.len())
    }

    /// Returns the deltas in this range of indices, as a reply of their own. Indices beyond the last delta are ignored.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let mut slice = Self::default();
        for index in range.start..range.end.min(self.len()) {
            if let Some(delta) = self.delta(index) {
                slice.push(delta);
            }
        }
        slice
    }

    /// Appends all deltas of another reply.
    pub fn append(&mut self, more: &Self) {
        for index in 0..more.len() {
            if let Some(delta) = more.delta(index) {
                self.push(delta);
            }
        }
    }

    fn cut(part: &Part, start: usize, end: usize) -> Option<Delta> {
        match part {
            Part::Text(text) => text.get(start..end).map(|piece| Delta::Text(piece.to_owned())),
            Part::Refusal(text) => text.get(start..end).map(|piece| Delta::Refusal(piece.to_owned())),
            Part::Reasoning(text) => text.get(start..end).map(|piece| Delta::Reasoning(piece.to_owned())),
            Part::ToolCall { call, name, arguments } => (start == 0 && end == part.bytes()).then(|| {
                Delta::ToolCall { call: call.clone(), name: name.clone(), arguments: arguments.clone() }
            }),
            Part::Image { .. } | Part::File { .. } | Part::ToolResult { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas() -> Vec<Delta> {
        vec![
            Delta::Reasoning("hm ".into()),
            Delta::Reasoning("well".into()),
            Delta::Text("Hé".into()),
            Delta::Text("llo\n".into()),
            Delta::ToolCall { call: "c1".into(), name: "clock".into(), arguments: JsonText::empty_object() },
            Delta::Text("!".into()),
        ]
    }

    fn reply() -> Reply {
        let mut reply = Reply::default();
        for delta in deltas() {
            reply.push(delta);
        }
        reply
    }

    #[test]
    fn deltas_come_back_as_they_arrived() {
        let reply = reply();
        let replayed: Vec<Delta> = (0..reply.len()).filter_map(|index| reply.delta(index)).collect();
        assert_eq!(replayed, deltas());
        assert_eq!(reply.text(), "Héllo\n\n!");
    }

    #[test]
    fn a_stored_reply_is_the_same_reply() {
        let reply = reply();
        let lengths: Vec<u32> = reply.lengths().collect();
        assert_eq!(Reply::from_stored(reply.parts().to_vec(), &lengths), Ok(reply));
    }

    #[test]
    fn lengths_that_do_not_fit_the_parts_are_refused() {
        let parts = vec![Part::Text("é".into())];
        for lengths in [&[1_u32, 1][..], &[3], &[], &[0, 2], &[u32::MAX, 1]] {
            assert_eq!(Reply::from_stored(parts.clone(), lengths), Err(ReplyError), "{lengths:?}");
        }
    }

    #[test]
    fn chunks_add_up_to_the_reply() {
        let reply = reply();
        for cut in 0..=reply.len() {
            let mut again = Reply::default();
            for index in 0..cut {
                again.push(reply.delta(index).unwrap());
            }
            again.append(&reply.since(cut));
            assert_eq!(again, reply);
            let mut again = reply.slice(0..cut);
            again.append(&reply.slice(cut..99));
            assert_eq!(again, reply);
        }
    }

    #[test]
    fn reasoning_answers_only_where_it_is_shown_and_white_space_never() {
        let call =
            Delta::ToolCall { call: "c".into(), name: "n".into(), arguments: JsonText::empty_object() };
        for (deltas, hidden, shown) in [
            (vec![], false, false),
            (vec![Delta::Text(" \n".into()), Delta::Text("\u{200b}\u{feff}".into())], false, false),
            (vec![Delta::Refusal("\u{a0}".into())], false, false),
            (vec![Delta::Reasoning("hm".into())], false, true),
            (vec![Delta::Reasoning(" ".into()), Delta::Text("\n".into())], false, false),
            (vec![Delta::Reasoning("hm".into()), Delta::Text("\n\n".into())], false, true),
            (vec![Delta::Text("\n".into()), Delta::Text("a".into())], true, true),
            (vec![Delta::Refusal("no".into())], true, true),
            (vec![Delta::Text("\n".into()), call], true, true),
        ] {
            let mut reply = Reply::default();
            for delta in deltas {
                reply.push(delta);
            }
            assert_eq!((reply.has_answer(false), reply.has_answer(true)), (hidden, shown), "{reply:?}");
        }
    }

    #[test]
    fn empty_deltas_are_ignored() {
        let mut reply = Reply::default();
        reply.push(Delta::Text(String::new()));
        assert!(reply.is_empty());
        assert!(!reply.has_content());
    }
}
