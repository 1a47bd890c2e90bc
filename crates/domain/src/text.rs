//! Text from outside: what is refused, what is cleaned.

use std::fmt;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than the limit.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The limit, in Unicode characters.
        max: usize,
    },
    /// Holds U+0000, which PostgreSQL cannot keep.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// Cleans a text of control characters (all but newline, tab and carriage return) and checks its length.
///
/// Leading and trailing white space is kept; a text of nothing else is empty.
pub fn clean(raw: &str, max_chars: usize) -> Result<String, TextError> {
    let text = clean_optional(raw, max_chars)?;
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(text)
}

/// As [`clean`], but a text may be empty.
///
/// # Errors
/// [`TextError::TooLong`] and [`TextError::Nul`].
pub fn clean_optional(raw: &str, max_chars: usize) -> Result<String, TextError> {
    if raw.contains('\0') {
        return Err(TextError::Nul);
    }
    let text = without_controls(raw, &['\n', '\t', '\r']);
    if text.chars().count() > max_chars {
        return Err(TextError::TooLong { max: max_chars });
    }
    Ok(text)
}

/// The text without its control characters, except these.
#[must_use]
pub fn without_controls(text: &str, except: &[char]) -> String {
    text.chars().filter(|c| !c.is_control() || except.contains(c)).collect()
}

/// The boolean that a word stands for, in any case: `true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off` (C-11).
#[must_use]
pub fn flag(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// JSON that a parser has written: metadata, arguments of a tool call. Never parsed in this crate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(String);

impl JsonText {
    /// Takes JSON that the caller has parsed and written again.
    #[must_use]
    pub fn from_parsed(json: String) -> Self {
        Self(json)
    }

    /// The empty object.
    #[must_use]
    pub fn empty_object() -> Self {
        Self("{}".to_owned())
    }

    /// The JSON itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_stripped_and_white_space_is_kept() {
        assert_eq!(clean("a\u{7}b\n\tc ", 10), Ok("ab\n\tc ".to_owned()));
    }

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        assert_eq!(clean("äöü", 3), Ok("äöü".to_owned()));
        assert_eq!(clean("äöüß", 3), Err(TextError::TooLong { max: 3 }));
    }

    #[test]
    fn blank_and_nul_are_refused() {
        assert_eq!(clean(" \n", 10), Err(TextError::Empty));
        assert_eq!(clean("a\0", 10), Err(TextError::Nul));
    }
}
