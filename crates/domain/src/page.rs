//! One way to page: lists by `(updated_at, id)`, messages by their place.

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most so many rows.
    pub limit: u32,
    /// After so many rows.
    pub offset: u32,
}

/// Which end comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortOrder {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which messages of a conversation, counted from the start of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessagePage {
    /// Which end comes first.
    pub order: SortOrder,
    /// At most so many; all where absent.
    pub limit: Option<u32>,
    /// After so many.
    pub offset: u32,
}
