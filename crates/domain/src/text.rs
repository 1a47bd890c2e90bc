//! Checks and cleans text of clients.

use unicode_normalization::UnicodeNormalization;

use crate::names::text_type;

/// Why a text is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is blank.
    #[error("must not be empty")]
    Empty,
    /// It is longer than the limit.
    #[error("must have at most {max} characters")]
    TooLong {
        /// The limit, in Unicode characters.
        max: usize,
    },
    /// It contains U+0000, which PostgreSQL cannot store.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// Removes control characters (all but newline, tab and carriage return) and checks the length.
///
/// Leading and trailing white space stays. A text of white space alone counts as empty.
pub fn clean(raw: &str, max_chars: usize) -> Result<String, TextError> {
    let text = clean_optional(raw, max_chars)?;
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(text)
}

/// Like [`clean`], but the text may be empty.
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

/// Removes the control characters of a text, except these.
#[must_use]
pub fn without_controls(text: &str, except: &[char]) -> String {
    text.chars().filter(|c| !c.is_control() || except.contains(c)).collect()
}

/// Whether nothing of a text can be seen. The empty text is blank too.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether a character cannot be seen: white space, control characters, Unicode's `Default_Ignorable_Code_Point`
/// (`DerivedCoreProperties.txt`), such as the zero-width space U+200B and the byte order mark U+FEFF, and the Braille
/// pattern without dots.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns a text in Unicode's normalization form C: macOS writes `ä` as a letter and an accent, other systems as one
/// character, and both are the same text (UAX 15).
#[must_use]
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// Returns a text in a form that is the same for all letter cases: `Straße`, `STRASSE` and `STRAẞE` are `strasse`, and `ς`
/// is `σ`. Each character is converted by itself, so what is a part of a text is a part of its form too.
#[must_use]
pub fn caseless(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Parses a boolean, in any letter case: `true`, `1`, `yes`, `on`; `false`, `0`, `no`, `off` (C-11).
#[must_use]
pub fn flag(word: &str) -> Option<bool> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Valid JSON as text: metadata, or the arguments of a tool call. This crate does not parse it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(String);

impl JsonText {
    /// Takes JSON that the caller has already parsed.
    #[must_use]
    pub fn from_parsed(json: String) -> Self {
        Self(json)
    }

    /// Returns the empty object.
    #[must_use]
    pub fn empty_object() -> Self {
        Self("{}".to_owned())
    }
}

text_type!(JsonText);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_removed_and_white_space_stays() {
        assert_eq!(clean("a\u{7}b\n\tc ", 10), Ok("ab\n\tc ".to_owned()));
    }

    #[test]
    fn text_that_cannot_be_seen_is_blank() {
        for blank in
            ["", " ", "\n\n", "\t\r\n", "\u{a0}", "\u{3000}", "\u{200b}", "\u{feff} \u{2060}", "\0", "\u{1b}"]
        {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in [".", "\u{200b}a", "👍", "👩\u{200d}🔬", "\u{fffd}", "0"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn lengths_count_characters_and_not_bytes() {
        assert_eq!(clean("äöü", 3), Ok("äöü".to_owned()));
        assert_eq!(clean("äöüß", 3), Err(TextError::TooLong { max: 3 }));
    }

    #[test]
    fn a_letter_is_the_same_in_one_piece_and_in_several() {
        for (written, one) in [
            ("e\u{301}", "\u{e9}"),
            ("\u{e9}", "\u{e9}"),
            // Vietnamese keyboards of Windows write the vowel in one piece and its tone in another.
            ("\u{ea}\u{323}", "\u{1ec7}"),
            ("\u{1100}\u{1161}", "\u{ac00}"),
            ("\u{212b}", "\u{c5}"),
            ("ada", "ada"),
        ] {
            assert_eq!(composed(written), one);
        }
    }

    #[test]
    fn texts_that_differ_in_case_alone_have_one_form() {
        for (one, other) in [
            ("ABC xyz 1", "abc XYZ 1"),
            ("GRÖSSE", "größe"),
            ("straẞe", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("ИМЯ", "имя"),
            ("ǅ", "ǆ"),
            ("\u{212a}", "k"),
            ("ﬁn", "FIN"),
        ] {
            assert_eq!(caseless(one), caseless(other), "{one}");
            assert_eq!(caseless(&caseless(one)), caseless(one), "{one}");
        }
        assert_ne!(caseless("e"), caseless("é"));
        assert_eq!(caseless("名前 👍 %_\\"), "名前 👍 %_\\");
    }

    #[test]
    fn blank_text_and_nul_are_refused() {
        assert_eq!(clean(" \n", 10), Err(TextError::Empty));
        assert_eq!(clean("a\0", 10), Err(TextError::Nul));
    }
}
