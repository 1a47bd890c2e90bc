//! Names of models.

use crate::limits::MODEL_NAME_CHARS;
use crate::names::text_type;

/// A well-formed model name: 1 to 128 of `A-Z a-z 0-9 . _ : / @ + -`, a letter, a digit or `@` first, no `..` (S1-24).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName(String);

/// The name is not well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid model name")]
pub struct ModelNameError;

impl ModelName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`ModelNameError`] if the name is not well-formed.
    pub fn parse(raw: &str) -> Result<Self, ModelNameError> {
        let begins_well = raw.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@');
        let all_known = raw.chars().all(|c| c.is_ascii_alphanumeric() || "._:/@+-".contains(c));
        if !begins_well || !all_known || raw.len() > MODEL_NAME_CHARS || raw.contains("..") {
            return Err(ModelNameError);
        }
        Ok(Self(raw.to_owned()))
    }
}

text_type!(ModelName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_vendors_pass() {
        for name in [
            "gpt-4o",
            "openai/gpt-3.5-turbo",
            "anthropic/claude-3.5-sonnet:beta",
            "@cf/meta/llama-3.1-8b-instruct",
            "workers-ai/@cf/meta/llama-3.1-8b-instruct",
            "7b",
            "a",
        ] {
            assert_eq!(ModelName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "a".repeat(129);
        for name in
            ["", "no such model!", "../../x", "-a", "/a", ".a", " @cf/x", "@a..b", "a..b", "é", long.as_str()]
        {
            assert_eq!(ModelName::parse(name), Err(ModelNameError), "{name}");
        }
    }
}
