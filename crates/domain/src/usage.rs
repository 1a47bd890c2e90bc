//! What a model call consumed.

use std::ops::{Add, AddAssign};

/// Tokens of one model call, or of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Input tokens, those from the provider's cache included.
    pub input: u64,
    /// Input tokens that the provider found in its cache: a part of `input`.
    pub cached_input: u64,
    /// Output tokens, reasoning included.
    pub output: u64,
    /// Output tokens spent on reasoning: a part of `output`.
    pub reasoning: u64,
    /// The provider named no figures, so they were estimated from the text.
    pub estimated: bool,
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input + self.output
    }
}

impl Add for Usage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            cached_input: self.cached_input + other.cached_input,
            output: self.output + other.output,
            reasoning: self.reasoning + other.reasoning,
            estimated: self.estimated || other.estimated,
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The bytes that [`estimate_tokens`] counts as one token.
const BYTES_PER_TOKEN: usize = 3;

/// How many bytes of text [`estimate_tokens`] counts as at most so many tokens.
#[must_use]
pub fn bytes_within(tokens: u32) -> usize {
    tokens as usize * BYTES_PER_TOKEN
}

/// Tokens that a text of so many bytes has at most, in ordinary prose of any script.
///
/// English prose has about 4.5 bytes a token, Chinese about 3: the estimate errs on the safe side.
/// A tokenizer's tables would cost 40 MiB of memory for a bound that providers measure themselves.
#[must_use]
pub fn estimate_tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}
