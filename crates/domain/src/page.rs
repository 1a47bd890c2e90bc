//! Paging: lists are ordered by `(updated_at, id)`, messages by their position.

use crate::Seq;
use crate::limits::LIST_ROWS;

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The maximum number of rows.
    pub limit: u32,
    /// The number of rows to skip.
    pub offset: u32,
}

impl Page {
    /// The rows of a list that are on it.
    #[must_use]
    pub fn of<T: Clone>(self, list: &[T]) -> Vec<T> {
        let as_usize = |number| usize::try_from(number).unwrap_or(usize::MAX);
        list.iter().skip(as_usize(self.offset)).take(as_usize(self.limit)).cloned().collect()
    }
}

/// The order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortOrder {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// A page of the messages of a conversation: those that lie after one position and before another one, in the order of
/// the list. In a descending list, older messages come after newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessagePage {
    /// The order.
    pub order: SortOrder,
    /// The maximum number of messages, from the start of the order, at most [`LIST_ROWS`]; `None` means all.
    pub limit: Option<u32>,
    /// Only messages after this position.
    pub after: Option<Seq>,
    /// Only messages before this position.
    pub before: Option<Seq>,
}

impl MessagePage {
    /// How many messages of it are read at once, at most.
    #[must_use]
    pub fn batch_rows(&self) -> u32 {
        self.limit.map_or(LIST_ROWS, |limit| limit.min(LIST_ROWS))
    }

    /// The positions between which it lies, the lower one first. It has neither of them.
    #[must_use]
    pub fn bounds(&self) -> (Seq, Seq) {
        let (lower, upper) = match self.order {
            SortOrder::Ascending => (self.after, self.before),
            SortOrder::Descending => (self.before, self.after),
        };
        (lower.unwrap_or(Seq(0)), upper.unwrap_or(Seq(i64::MAX)))
    }

    /// A page without messages, in the same order.
    #[must_use]
    pub fn without_messages(self) -> Self {
        // Nothing lies between a position and itself.
        Self { limit: None, after: Some(Seq(0)), before: Some(Seq(0)), ..self }
    }
}
