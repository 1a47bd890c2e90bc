//! Rate limits.

use std::time::Duration;

use async_trait::async_trait;

use crate::BoxError;

/// A call that asks to be let in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Whose calls are counted together.
    pub key: String,
    /// How many of them may pass in any 60 seconds.
    pub limit: u32,
}

/// What a limiter answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The ticket of a call that may pass; `None` for one that may not.
    pub ticket: Option<Ticket>,
    /// How many more may pass now.
    pub remaining: u32,
    /// When the next place becomes free, where none is; else when the oldest call is forgotten.
    pub reset_after: Duration,
}

/// Stands for one call that passed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Whose call it was.
    pub key: String,
    /// Its number; unique for the key.
    pub number: u64,
}

/// The limiter could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter is not available")]
pub struct LimiterError(#[source] pub BoxError);

/// Counts calls: at most `limit` pass in any 60 seconds, exactly.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Lets a call pass and counts it, or refuses it and counts nothing.
    async fn take(&self, bucket: Bucket) -> Result<Verdict, LimiterError>;

    /// Forgets a call that passed and came to nothing.
    async fn give_back(&self, ticket: Ticket) -> Result<(), LimiterError>;
}
