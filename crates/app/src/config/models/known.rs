//! The built-in windows and prices of models. `models.windows` and `models.prices` add to them.

use std::collections::HashMap;

use domain::{NanoDollars, Price};

/// How many tokens of input each model takes. For a model whose input has a limit of its own within its window, as
/// GPT-5 (272,000 of 400,000), it is that limit.
pub(super) const WINDOWS: &[(&str, u32)] = &[
    ("gpt-4o", 128_000),
    ("gpt-4o-mini", 128_000),
    ("gpt-4.1", 1_047_576),
    ("gpt-4.1-mini", 1_047_576),
    ("gpt-4.1-nano", 1_047_576),
    ("gpt-4-turbo", 128_000),
    ("gpt-4", 8_192),
    ("gpt-3.5-turbo", 16_385),
    ("gpt-5", 272_000),
    ("gpt-5-mini", 272_000),
    ("gpt-5-nano", 272_000),
    ("gpt-5.1", 272_000),
    ("gpt-5.4", 272_000),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o3-mini", 200_000),
    ("o4-mini", 200_000),
];

/// Prices in nano-dollars per thousand tokens: input, cached input, output. They are those that providers listed in
/// June 2026; for older models, the last ones listed. A provider that reports the cost itself, as OpenRouter does,
/// needs none.
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
    ("gpt-5.1", 1_250_000, 125_000, 10_000_000),
    ("gpt-5.4", 2_500_000, 250_000, 15_000_000),
    ("gpt-5.4-mini", 750_000, 75_000, 4_500_000),
    ("gpt-5.4-nano", 200_000, 20_000, 1_250_000),
    ("gpt-5.5", 5_000_000, 500_000, 30_000_000),
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
