//! What went wrong, without a word of any protocol.

/// The class of a failure. Each contract has one table from it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input breaks a rule.
    Invalid,
    /// Nobody, or nobody we know, is asking.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// Absent, or not the caller's to see.
    NotFound,
    /// It clashes with what is going on.
    Conflict,
    /// Too many bytes.
    TooLarge,
    /// Too many calls.
    TooMany,
    /// The model's provider failed us.
    Upstream,
    /// Something we need is away for now.
    Unavailable,
    /// A fault of ours.
    Internal,
}
