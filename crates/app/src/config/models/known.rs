//! What is known about models without asking. `models.prices` and `models.windows` add to it.

use std::collections::HashMap;

use domain::{NanoDollars, Price};

/// How many tokens a model reads and writes together.
pub(super) const WINDOWS: &[(&str, u32)] = &[
    ("gpt-4o", 128_000),
    ("gpt-4o-mini", 128_000),
    ("gpt-4.1", 1_047_576),
    ("gpt-4.1-mini", 1_047_576),
    ("gpt-4.1-nano", 1_047_576),
    ("gpt-4-turbo", 128_000),
    ("gpt-4", 8_192),
    ("gpt-3.5-turbo", 16_385),
    ("gpt-5", 400_000),
    ("gpt-5-mini", 400_000),
    ("gpt-5-nano", 400_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o3-mini", 200_000),
    ("o4-mini", 200_000),
];

/// Nano-dollars per thousand tokens: fresh input, cached input, output. A provider that names the cost itself, as
/// OpenRouter does, needs no entry.
const PRICES: &[(&str, i64, i64, i64)] = &[
    ("gpt-4o", 2_500_000, 1_250_000, 10_000_000),
    ("gpt-4o-mini", 150_000, 75_000, 600_000),
    ("gpt-4.1", 2_000_000, 500_000, 8_000_000),
    ("gpt-4.1-mini", 400_000, 100_000, 1_600_000),
    ("gpt-4.1-nano", 100_000, 25_000, 400_000),
    ("gpt-4-turbo", 10_000_000, 10_000_000, 30_000_000),
    ("gpt-4", 30_000_000, 30_000_000, 60_000_000),
    ("gpt-3.5-turbo", 500_000, 500_000, 1_500_000),
    ("gpt-5", 1_250_000, 125_000, 10_000_000),
    ("gpt-5-mini", 250_000, 25_000, 2_000_000),
    ("gpt-5-nano", 50_000, 5_000, 400_000),
    ("o1", 15_000_000, 7_500_000, 60_000_000),
    ("o3", 2_000_000, 500_000, 8_000_000),
    ("o3-mini", 1_100_000, 550_000, 4_400_000),
    ("o4-mini", 1_100_000, 275_000, 4_400_000),
];

pub(super) fn prices() -> HashMap<String, Price> {
    PRICES
        .iter()
        .map(|(name, input, cached, output)| {
            let price = Price {
                input_per_1k: NanoDollars(*input),
                cached_input_per_1k: NanoDollars(*cached),
                output_per_1k: NanoDollars(*output),
            };
            ((*name).to_owned(), price)
        })
        .collect()
}
