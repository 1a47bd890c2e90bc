//! The classes of errors, independent of any protocol.

/// The class of an error. Each contract maps it to a status in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request as a whole cannot be accepted.
    Invalid,
    /// One value of the request breaks a rule.
    InvalidField,
    /// The caller is not authenticated.
    Unauthenticated,
    /// The caller is authenticated but may not do this.
    Forbidden,
    /// The resource does not exist, or its existence is not revealed to the caller.
    NotFound,
    /// The resource exists but does not support this operation.
    Unsupported,
    /// The request conflicts with an operation that is still running.
    Conflict,
    /// The request is too large.
    TooLarge,
    /// The request took too long to arrive.
    TooSlow,
    /// There are too many requests.
    TooMany,
    /// The model provider failed.
    Upstream,
    /// Something that the service depends on is not available.
    Unavailable,
    /// An error of the service itself.
    Internal,
}
