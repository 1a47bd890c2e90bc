//! Rate limits.

use std::time::Duration;

use async_trait::async_trait;

use crate::BoxError;

/// Calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The name of what they are counted for, such as a user or an address.
    pub key: String,
    /// How many of them may pass in any 60 seconds.
    pub limit: u32,
}

/// Whether a call may pass, and what is left of its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What counts the call that may pass; `None` for one that may not.
    pub reservation: Option<Reservation>,
    /// How many more calls may pass now.
    pub remaining: u32,
    /// When the next call may pass, where none may now; else when the oldest call stops counting.
    pub reset_after: Duration,
}

/// One call that passed and counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reservation {
    /// The key of its bucket.
    pub key: String,
    /// Its number; unique for the key.
    pub number: u64,
}

/// The limiter is not available.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter is not available")]
pub struct LimiterError(#[source] pub BoxError);

/// Counts calls: at most `limit` pass in any 60 seconds, exactly.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Lets a call pass and counts it, or refuses it and counts nothing.
    async fn take(&self, bucket: Bucket) -> Result<Decision, LimiterError>;

    /// Stops counting a call that passed and had no effect.
    async fn give_back(&self, reservation: Reservation) -> Result<(), LimiterError>;
}
