//! The models of the fake provider. The name of a model tells what it answers and how fast.

/// Every token of every answer is this word. It occurs nowhere else in an answer, so counting it counts tokens.
pub const TOKEN: &str = "lorem";

/// Fifty tokens in one write: the model of ordinary calls.
pub const PLAIN: &str = "plain";
/// Two hundred tokens in one write.
pub const BURST: &str = "burst-200";
/// Five tokens a second.
pub const SLOW: &str = "slow-5";

/// How fast the tokens of an answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All in one write.
    AtOnce,
    /// One by one, this many in a second.
    PerSecond(u32),
}

/// The answers of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The number of tokens.
    pub tokens: usize,
    /// How they are written.
    pub pace: Pace,
}

impl Model {
    /// The model of this name: `burst-N` answers N tokens at once, `slow-R` 60 tokens at R in a second, and any other
    /// name 50 tokens at once.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let number = |prefix| name.strip_prefix(prefix).and_then(|rest| rest.parse::<u32>().ok());
        if let Some(tokens) = number("burst-") {
            return Self { tokens: tokens as usize, pace: Pace::AtOnce };
        }
        match number("slow-") {
            Some(rate) if rate > 0 => Self { tokens: 60, pace: Pace::PerSecond(rate) },
            _ => Self { tokens: 50, pace: Pace::AtOnce },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_its_model_answers() {
        assert_eq!(Model::named(BURST), Model { tokens: 200, pace: Pace::AtOnce });
        assert_eq!(Model::named(SLOW), Model { tokens: 60, pace: Pace::PerSecond(5) });
        assert_eq!(Model::named(PLAIN), Model { tokens: 50, pace: Pace::AtOnce });
        assert_eq!(Model::named("slow-0"), Model { tokens: 50, pace: Pace::AtOnce });
    }
}
