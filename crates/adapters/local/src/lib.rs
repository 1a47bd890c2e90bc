//! What the process itself offers: the time, new ids, chance, and rate limits that hold for one replica.

mod chance;
mod clock;
mod ids;
mod sliding_minute;

pub use chance::SystemChance;
pub use clock::SystemClock;
pub use ids::UuidIds;
pub use sliding_minute::SlidingMinute;
