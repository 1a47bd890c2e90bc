//! What went wrong, without a word of any protocol.

/// The class of an error. Each contract has one table from it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request as a whole cannot be accepted.
    Invalid,
    /// One value of the request breaks a rule.
    InvalidField,
    /// The caller has not proved who they are.
    Unauthenticated,
    /// The caller is known and has no right to do this.
    Forbidden,
    /// The thing does not exist, or the caller may not know that it does.
    NotFound,
    /// The thing exists and does not offer this operation.
    Unsupported,
    /// The request conflicts with something that is under way.
    Conflict,
    /// The request has too many bytes.
    TooLarge,
    /// The request took too long to arrive.
    TooSlow,
    /// There are too many requests.
    TooMany,
    /// The model provider failed.
    Upstream,
    /// Something that the service needs is not available for now.
    Unavailable,
    /// An error of the service itself.
    Internal,
}
