//! Text in JSON, in which a surrogate pair may be cut in two.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A text, possibly with half of a surrogate pair at its edges.
///
/// Servers that cut an answer into pieces of UTF-16 put the halves of a character into two events. Halves elsewhere can
/// belong to nothing, and are U+FFFD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// The second half of a pair, before the text.
    low: Option<u16>,
    middle: String,
    /// The first half of a pair, after the text.
    high: Option<u16>,
}

impl Text {
    /// Whether there is neither text nor half of a pair.
    pub(crate) fn is_empty(&self) -> bool {
        self.middle.is_empty() && self.low.is_none() && self.high.is_none()
    }

    /// Returns the text, with U+FFFD for halves.
    pub(crate) fn into_string(self) -> String {
        let mut pending = None;
        let mut text = self.joined(&mut pending);
        if pending.is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text
    }

    /// Returns the text, joined with the half that an earlier text ended with. `pending` is then the half that this text ends
    /// with.
    pub(crate) fn joined(self, pending: &mut Option<u16>) -> String {
        let before = match (*pending, self.low) {
            (None, None) => None,
            // An empty text says nothing about the half before it.
            (Some(_), None) if self.is_empty() => return String::new(),
            (Some(high), Some(low)) => char::decode_utf16([high, low]).next().and_then(Result::ok),
            (Some(_), None) | (None, Some(_)) => Some(char::REPLACEMENT_CHARACTER),
        };
        *pending = self.high;
        match before {
            None => self.middle,
            Some(character) => format!("{character}{}", self.middle),
        }
    }

    /// Reads what `serde_json` makes of a string if it is asked for bytes: UTF-8, in which half of a surrogate pair stands like
    /// a character of three bytes (WTF-8).
    fn from_wtf8(bytes: &[u8]) -> Result<Self, std::str::Utf8Error> {
        let mut read = Self::default();
        let mut rest = bytes;
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    read.push_str(text);
                    return Ok(read);
                }
                Err(error) => {
                    let (text, after) = rest.split_at(error.valid_up_to());
                    let &[0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ref after @ ..] = after else {
                        return Err(error);
                    };
                    // It was valid up to here.
                    read.push_str(std::str::from_utf8(text)?);
                    read.push_half(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
                    rest = after;
                }
            }
        }
    }

    fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.settle();
            self.middle.push_str(text);
        }
    }

    fn push_half(&mut self, half: u16) {
        let is_low = half >= 0xDC00;
        if is_low && self.is_empty() {
            self.low = Some(half);
        } else if is_low {
            self.settle();
            self.middle.push(char::REPLACEMENT_CHARACTER);
        } else {
            self.settle();
            self.high = Some(half);
        }
    }

    /// Replaces the half at the end, because more follows it.
    fn settle(&mut self) {
        if self.high.take().is_some() {
            self.middle.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { middle: text, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                Text::from_wtf8(bytes).map_err(E::custom)
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Text {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn halves_of_a_pair_are_joined_across_texts() {
        for (pieces, expected) in [
            (&[r#""a\ud83d""#, r#""\ude00b""#][..], "a😀b"),
            (&[r#""\ud83d""#, r#""""#, r#""\ude00""#], "😀"),
            (&[r#""\ud83d\ude00""#], "😀"),
            (&[r#""\ud83d""#, r#""b""#], "\u{fffd}b"),
            (&[r#""\ude00""#, r#""b""#], "\u{fffd}b"),
            (&[r#""\ud83d""#, r#""\ud83d""#, r#""\ude00""#], "\u{fffd}😀"),
            (&[r#""\ude00\ud83d""#, r#""\ude00""#], "\u{fffd}😀"),
            (&[r#""a\ud83db\ude00c""#], "a\u{fffd}b\u{fffd}c"),
            (&[r#""\ud83d""#], "\u{fffd}"),
        ] {
            let mut pending = None;
            let mut all = String::new();
            for piece in pieces {
                all.push_str(&text(piece).joined(&mut pending));
            }
            if pending.is_some() {
                all.push('\u{fffd}');
            }
            assert_eq!(all, expected, "{pieces:?}");
        }
        assert_eq!(text(r#""\ude00a\ud83d""#).into_string(), "\u{fffd}a\u{fffd}");
    }

    #[test]
    fn only_a_string_is_a_text() {
        for json in ["7", "null", "[104]", "{}", "true"] {
            assert!(serde_json::from_str::<Text>(json).is_err(), "{json}");
        }
    }
}
