//! Takes keys out of a provider's words before they reach a log.

use std::fmt;
use std::sync::Arc;

/// The longest text of a provider's that is kept, in characters.
const KEPT_CHARS: usize = 500;
/// A run of letters and digits of this length may be a key, whatever it begins with.
const KEY_CHARS: usize = 32;
const HIDDEN: &str = "[hidden]";

/// Cleans what a provider says. It knows our own key, as providers echo it; `Debug` does not show it.
#[derive(Clone, Default)]
pub struct Redaction {
    key: Arc<str>,
}

impl Redaction {
    /// A redaction that also hides this key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self { key: key.into() }
    }

    /// The words, on one line, without anything that looks like a key, and cut after 500 characters.
    #[must_use]
    pub fn clean(&self, words: &str) -> String {
        let words = if self.key.is_empty() { words.to_owned() } else { words.replace(&*self.key, HIDDEN) };
        let mut cleaned = String::new();
        let mut rest = words.as_str();
        let mut after_bearer = false;
        // Twice the limit, for what is hidden shrinks.
        while let Some(first) = rest.chars().next()
            && cleaned.len() < 8 * KEPT_CHARS
        {
            let end = rest.find(|c| !of_a_token(c)).unwrap_or(rest.len());
            let (token, after) = rest.split_at(end);
            if token.is_empty() {
                cleaned.push(if first.is_control() { ' ' } else { first });
                rest = after.get(first.len_utf8()..).unwrap_or_default();
                continue;
            }
            cleaned.push_str(if after_bearer || looks_like_a_key(token) { HIDDEN } else { token });
            after_bearer = token.eq_ignore_ascii_case("bearer");
            rest = after;
        }
        cleaned.chars().take(KEPT_CHARS).collect()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redaction")
    }
}

fn of_a_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '*' | '.' | '+' | '/')
}

fn looks_like_a_key(token: &str) -> bool {
    let begins_as_one = token.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("sk-"));
    let has_digits = token.bytes().any(|b| b.is_ascii_digit());
    begins_as_one || (token.len() >= KEY_CHARS && has_digits && !token.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_form_are_hidden() {
        let redaction = Redaction::of("canary");
        for (words, expected) in [
            ("bad key: sk-abc***xyz.", "bad key: [hidden]"),
            ("you sent 'Authorization: Bearer abc'", "you sent 'Authorization: Bearer [hidden]'"),
            ("?key=AIzaSyD4-0123456789abcdefghijklmnop&x=1", "?key=[hidden]&x=1"),
            ("[canary]", "[[hidden]]"),
            ("a\nb\u{1b}[0m", "a b [0m"),
            ("the model openai/gpt-4o is away", "the model openai/gpt-4o is away"),
            ("é key SK-or-v1-1 é", "é key [hidden] é"),
        ] {
            assert_eq!(redaction.clean(words), expected);
        }
        assert_eq!(format!("{redaction:?}"), "Redaction");
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(Redaction::default().clean(&"é ".repeat(4_000)).chars().count(), 500);
    }
}
