//! Adapters that need no other service: the clock, new ids, random jitter, and rate limits for one process.

mod clock;
mod ids;
mod jitter;
mod sliding_minute;

pub use clock::SystemClock;
pub use ids::UuidIds;
pub use jitter::SystemJitter;
pub use sliding_minute::SlidingMinute;
