//! The fake provider's models. A model's name says what it answers, and how fast.

/// The word that every token of every answer is. It occurs nowhere else in an answer, so that counting it counts
/// tokens.
pub const TOKEN: &str = "lorem";

/// The model that the floor and OmniChat answer ordinary calls with.
pub const PLAIN: &str = "plain";
/// Two hundred tokens in one write.
pub const BURST: &str = "burst-200";
/// Five tokens a second.
pub const SLOW: &str = "slow-5";

/// How the tokens of an answer are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// All in one write.
    AtOnce,
    /// One by one, so many a second.
    PerSecond(u32),
}

/// What a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Tokens of an answer.
    pub tokens: usize,
    /// How they are written.
    pub pace: Pace,
}

impl Model {
    /// The model of a name: `burst-N` answers N tokens at once, `slow-R` 60 tokens at R a second, any other name
    /// 50 tokens at once.
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
    fn a_name_says_what_its_model_answers() {
        assert_eq!(Model::named(BURST), Model { tokens: 200, pace: Pace::AtOnce });
        assert_eq!(Model::named(SLOW), Model { tokens: 60, pace: Pace::PerSecond(5) });
        assert_eq!(Model::named(PLAIN), Model { tokens: 50, pace: Pace::AtOnce });
        assert_eq!(Model::named("slow-0"), Model { tokens: 50, pace: Pace::AtOnce });
    }
}
