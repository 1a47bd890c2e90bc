//! Money: integer nano-dollars, which are rounded only for output.

use std::ops::AddAssign;

use crate::Usage;

/// An amount in billionths of a US dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoDollars(pub i64);

/// More than any model call can cost: 100 million dollars.
const MAX_COST: i64 = 100_000_000_000_000_000;

impl NanoDollars {
    /// The same amount, at most 10^17 either way: providers may send any number, and stores add them up.
    #[must_use]
    pub fn clamped(self) -> Self {
        Self(self.0.clamp(-MAX_COST, MAX_COST))
    }

    /// Converts an amount in dollars. Returns `None` if it is not finite or out of range.
    #[must_use]
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let nanos = (dollars * 1e9).round();
        if !nanos.is_finite() || nanos.abs() > 9.0e18 {
            return None;
        }
        // In range by the check above.
        #[expect(clippy::cast_possible_truncation, reason = "the bound above is below i64::MAX")]
        Some(Self(nanos as i64))
    }

    /// Returns the amount in millionths of a dollar, rounded half to even.
    #[must_use]
    pub fn to_micros(self) -> i64 {
        i64::try_from(divide_half_even(i128::from(self.0), 1_000)).unwrap_or(i64::MAX)
    }

    /// Returns the amount in dollars with 6 decimals, as every response shows it.
    #[must_use]
    pub fn to_dollars(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "an amount beyond 2^52 micro-dollars is shown rounded"
        )]
        let micros = self.to_micros() as f64;
        micros / 1e6
    }
}

impl AddAssign for NanoDollars {
    fn add_assign(&mut self, other: Self) {
        self.0 = self.0.saturating_add(other.0);
    }
}

/// The price of a model, per thousand tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Input tokens that are not in the provider's cache.
    pub input_per_1k: NanoDollars,
    /// Input tokens from the provider's cache.
    pub cached_input_per_1k: NanoDollars,
    /// Output tokens, including reasoning.
    pub output_per_1k: NanoDollars,
}

impl Price {
    /// Returns the cost of a call, rounded half to even.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> NanoDollars {
        let cached = usage.cached_input.min(usage.input);
        let fresh = usage.input - cached;
        let thousandfold = i128::from(fresh) * i128::from(self.input_per_1k.0)
            + i128::from(cached) * i128::from(self.cached_input_per_1k.0)
            + i128::from(usage.output) * i128::from(self.output_per_1k.0);
        NanoDollars(i64::try_from(divide_half_even(thousandfold, 1_000)).unwrap_or(i64::MAX))
    }
}

fn divide_half_even(value: i128, divisor: i128) -> i128 {
    let quotient = value.div_euclid(divisor);
    let twice_the_rest = value.rem_euclid(divisor) * 2;
    let up = twice_the_rest > divisor || (twice_the_rest == divisor && quotient % 2 != 0);
    quotient + i128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_example_costs_175_micro_dollars() {
        let price = Price {
            input_per_1k: NanoDollars(2_500_000),
            cached_input_per_1k: NanoDollars(1_250_000),
            output_per_1k: NanoDollars(10_000_000),
        };
        let usage = Usage { input: 10, output: 15, ..Usage::default() };
        assert_eq!(price.cost(&usage), NanoDollars(175_000));
        assert!((price.cost(&usage).to_dollars() - 0.000_175).abs() < f64::EPSILON);
    }

    #[test]
    fn cached_tokens_are_a_part_of_the_input() {
        let price = Price {
            input_per_1k: NanoDollars(1_000_000),
            cached_input_per_1k: NanoDollars(100_000),
            output_per_1k: NanoDollars(0),
        };
        let usage = Usage { input: 1_000, cached_input: 400, ..Usage::default() };
        assert_eq!(price.cost(&usage), NanoDollars(640_000));
    }

    #[test]
    fn rounding_is_half_to_even() {
        assert_eq!(NanoDollars(500).to_micros(), 0);
        assert_eq!(NanoDollars(1_500).to_micros(), 2);
        assert_eq!(NanoDollars(2_500).to_micros(), 2);
        assert_eq!(NanoDollars(2_501).to_micros(), 3);
    }
}
