//! Removes keys from messages of a provider before they are logged.

use std::fmt;
use std::sync::Arc;

/// The longest message, in characters; the rest is cut.
const MESSAGE_CHARS: usize = 500;
/// A run of letters and digits of this length may be a key.
const KEY_CHARS: usize = 32;
const HIDDEN: &str = "[hidden]";

/// Removes keys from messages, also our own key, which some providers echo. `Debug` does not show it.
#[derive(Clone, Default)]
pub struct Redaction {
    key: Arc<str>,
}

impl Redaction {
    /// Creates a redaction that also hides this key.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self { key: key.into() }
    }

    /// Returns a message on one line, without anything that looks like a key, and cut after 500 characters.
    #[must_use]
    pub fn clean(&self, message: &str) -> String {
        let message =
            if self.key.is_empty() { message.to_owned() } else { message.replace(&*self.key, HIDDEN) };
        let mut cleaned = String::new();
        let mut rest = message.as_str();
        let mut after_bearer = false;
        // More than the limit, because hidden keys become shorter.
        while let Some(first) = rest.chars().next()
            && cleaned.len() < 8 * MESSAGE_CHARS
        {
            let end = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
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
        cleaned.chars().take(MESSAGE_CHARS).collect()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Redaction")
    }
}

fn is_token_char(c: char) -> bool {
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
        let redaction = Redaction::new("canary");
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
    fn long_messages_are_cut() {
        assert_eq!(Redaction::default().clean(&"é ".repeat(4_000)).chars().count(), 500);
    }
}
