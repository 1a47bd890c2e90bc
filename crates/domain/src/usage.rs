//! The tokens of model calls.

use std::ops::AddAssign;

/// The tokens of one model call or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Input tokens, including those from the provider's cache.
    pub input: u64,
    /// Input tokens from the provider's cache: a part of `input`.
    pub cached_input: u64,
    /// Output tokens, including reasoning.
    pub output: u64,
    /// Output tokens of reasoning: a part of `output`.
    pub reasoning: u64,
    /// Whether the figures are estimated from the text, because the provider sent none.
    pub estimated: bool,
}

/// More tokens than any model call can take.
const MAX_TOKENS: u64 = 1_000_000_000_000_000;

impl Usage {
    /// The same usage, with each count at most 10^15: providers may send any number, and stores add them up.
    #[must_use]
    pub fn clamped(self) -> Self {
        let Self { input, cached_input, output, reasoning, estimated } = self;
        Self {
            input: input.min(MAX_TOKENS),
            cached_input: cached_input.min(MAX_TOKENS),
            output: output.min(MAX_TOKENS),
            reasoning: reasoning.min(MAX_TOKENS),
            estimated,
        }
    }

    /// Returns the sum of input and output.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input + self.output
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached_input += other.cached_input;
        self.output += other.output;
        self.reasoning += other.reasoning;
        self.estimated |= other.estimated;
    }
}

/// The bytes that [`estimate_tokens`] counts as one token.
const BYTES_PER_TOKEN: usize = 3;

/// Returns how many bytes of text [`estimate_tokens`] counts as this many tokens.
#[must_use]
pub fn bytes_within(tokens: u32) -> usize {
    tokens as usize * BYTES_PER_TOKEN
}

/// Estimates the most tokens that ordinary prose of this many bytes has, in any script.
///
/// English has about 4.5 bytes per token and Chinese about 3, so the estimate is on the safe side.
/// The tables of a tokenizer would take 40 MiB of memory, for a limit that providers enforce themselves.
#[must_use]
pub fn estimate_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}
