//! Paging: lists are ordered by `(updated_at, id)`, messages by their position.

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The maximum number of rows.
    pub limit: u32,
    /// The number of rows to skip.
    pub offset: u32,
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

/// A page of the messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessagePage {
    /// The order.
    pub order: SortOrder,
    /// The maximum number of messages; `None` means all.
    pub limit: Option<u32>,
    /// The number of messages to skip, from the start of the order.
    pub offset: u32,
}
