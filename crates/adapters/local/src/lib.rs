//! What the process itself offers: the time, new ids, jitter, and rate limits that hold for one replica.

mod clock;
mod ids;
mod jitter;
mod sliding_minute;

pub use clock::SystemClock;
pub use ids::UuidIds;
pub use jitter::SystemJitter;
pub use sliding_minute::SlidingMinute;
