//! Rate limits.

use std::time::Duration;

use async_trait::async_trait;

use crate::BoxError;

/// Calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// The key that calls are counted by, such as a user or an address.
    pub key: String,
    /// The number of calls that are allowed in any 60 seconds.
    pub limit: u32,
}

/// Whether a call is allowed, and the state of its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The counted call; `None` if it is not allowed.
    pub reservation: Option<Reservation>,
    /// The number of calls that are still allowed now.
    pub remaining: u32,
    /// When the next call is allowed, if none is now; otherwise when the oldest call stops counting.
    pub reset_after: Duration,
}

/// A call that was allowed and is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reservation {
    /// The key of its bucket.
    pub key: String,
    /// Its number, unique for the key.
    pub number: u64,
}

/// The limiter is not available.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter is not available")]
pub struct LimiterError(#[source] pub BoxError);

/// Counts calls, and allows at most `limit` in any 60 seconds.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts a call if it is allowed.
    async fn take(&self, bucket: Bucket) -> Result<Decision, LimiterError>;

    /// Stops counting a call that was allowed but had no effect.
    async fn give_back(&self, reservation: Reservation) -> Result<(), LimiterError>;
}
