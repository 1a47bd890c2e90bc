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
    /// Whether any of the figures is estimated from the text, because the provider did not send it.
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

/// The tokens of a model call as its provider reports them. A count that it does not report is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportedUsage {
    /// Input tokens, including those from the provider's cache.
    pub input: Option<u64>,
    /// Input tokens from the provider's cache: a part of `input`.
    pub cached_input: u64,
    /// Output tokens, including reasoning.
    pub output: Option<u64>,
    /// Output tokens of reasoning: a part of `output`.
    pub reasoning: u64,
}

impl ReportedUsage {
    /// Whether it reports no tokens.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.input.unwrap_or(0) == 0 && self.output.unwrap_or(0) == 0
    }

    /// Returns the usage, with an estimate for each count that is missing. A zero that cannot be true is a missing count
    /// too: many servers send zeros if they do not count, and some leave out the input that they had in their cache. No
    /// output is not true of a reply that has content, and no input is not true of a call with any output.
    ///
    /// The estimates are those of the request and of the reply with its reasoning; the latter is 0 if nothing was received.
    #[must_use]
    pub fn or_estimated(self, input: u64, output: u64) -> Usage {
        let reported_output = self.output.filter(|count| *count > 0 || output == 0);
        let output = reported_output.unwrap_or(output);
        let reported_input = self.input.filter(|count| *count > 0 || output == 0);
        let input = reported_input.unwrap_or(input);
        Usage {
            input,
            cached_input: self.cached_input.min(input),
            output,
            reasoning: self.reasoning.min(output),
            estimated: reported_input.is_none() || reported_output.is_none(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64, estimated: bool) -> Usage {
        Usage { input, output, estimated, ..Usage::default() }
    }

    fn reported(input: Option<u64>, output: Option<u64>) -> ReportedUsage {
        ReportedUsage { input, output, ..ReportedUsage::default() }
    }

    #[test]
    fn only_missing_counts_are_estimated() {
        for (report, expected) in [
            (reported(Some(10), Some(5)), usage(10, 5, false)),
            (reported(Some(10), Some(0)), usage(10, 7, true)),
            (reported(Some(10), None), usage(10, 7, true)),
            (reported(Some(0), Some(5)), usage(30, 5, true)),
            (reported(None, Some(5)), usage(30, 5, true)),
            (reported(None, None), usage(30, 7, true)),
            (reported(Some(0), Some(0)), usage(30, 7, true)),
            (reported(Some(0), None), usage(30, 7, true)),
        ] {
            assert_eq!(report.or_estimated(30, 7), expected, "{report:?}");
        }
        for (report, expected) in [
            (reported(Some(0), Some(0)), usage(0, 0, false)),
            (reported(Some(10), Some(0)), usage(10, 0, false)),
            (reported(Some(10), Some(5)), usage(10, 5, false)),
            (reported(Some(0), Some(5)), usage(30, 5, true)),
            (reported(None, None), usage(30, 0, true)),
        ] {
            assert_eq!(report.or_estimated(30, 0), expected, "{report:?} and an empty reply");
        }
    }
}
