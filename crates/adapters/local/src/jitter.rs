//! Random jitter for the pauses between retries.

use ports::Jitter;
use uuid::Uuid;

/// The system's source of randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemJitter;

/// The number of bits that an `f64` holds exactly.
const BITS: u32 = 53;

impl Jitter for SystemJitter {
    #[expect(clippy::disallowed_methods, reason = "used for its random bits, not as an id")]
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn fraction(&self) -> f64 {
        let (_, low) = Uuid::new_v4().as_u64_pair();
        let bits = low & ((1 << BITS) - 1);
        bits as f64 / (1_u64 << BITS) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_spread_over_the_whole_range() {
        let fractions: Vec<f64> = (0..10_000).map(|_| SystemJitter.fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        let mean = fractions.iter().sum::<f64>() / 10_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
        assert!(fractions.iter().any(|fraction| *fraction < 0.01));
        assert!(fractions.iter().any(|fraction| *fraction > 0.99));
    }
}
