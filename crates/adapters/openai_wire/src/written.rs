//! The text of an answer that was passed on, so that text which is sent again is not passed on twice.

use crate::decoder::clean;
use crate::json::Text;

/// The text of one kind, as far as it was passed on.
#[derive(Debug, Default)]
pub(crate) struct Written {
    text: String,
    /// Half of a surrogate pair, whose other half may be in the next piece.
    half: Option<u16>,
    /// Where the part begins that is being written.
    part_from: usize,
    /// The index of the part that is being written, if it is known.
    part: Option<u64>,
    /// The index of the part that was completed last, if it is known.
    last_part: Option<u64>,
}

/// The complete text is not the one that was passed on in pieces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Differs;

impl Written {
    /// The text that was passed on.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a part has begun and is not complete.
    pub(crate) fn has_open_part(&self) -> bool {
        self.part_from < self.text.len() || self.half.is_some()
    }

    /// Begins another part if the index says so. Returns what [`Written::end_part`] does.
    pub(crate) fn begin_part(&mut self, index: Option<u64>) -> String {
        let is_another = self.has_open_part() && index.is_some() && self.part.is_some() && index != self.part;
        let half = if is_another { self.end_part(self.part) } else { String::new() };
        self.part = index.or(self.part);
        half
    }

    /// Adds a piece. Returns what is to be passed on; it may be empty.
    pub(crate) fn add(&mut self, piece: Text) -> String {
        let piece = clean(piece.joined(&mut self.half));
        self.text.push_str(&piece);
        piece
    }

    /// Takes the complete text of one part, of which all, some or nothing was passed on. Returns what is missing.
    ///
    /// The text that was passed on must be the beginning of it. White space at its edges does not matter, because some servers
    /// trim it.
    pub(crate) fn complete_part(&mut self, index: Option<u64>, complete: String) -> Result<String, Differs> {
        let complete = clean(complete);
        let written = self.text.get(self.part_from..).unwrap_or_default();
        // Parts are written in the order of their indices.
        let is_new_part = index.zip(self.last_part).is_some_and(|(index, last)| index > last);
        if complete.is_empty() {
            return Ok(self.end_part(index));
        }
        if !self.has_open_part() && !is_new_part && self.text.ends_with(&complete) {
            // It was completed before, by another event.
            return Ok(String::new());
        }
        let missing = missing(written, &complete)?;
        self.half = None;
        self.text.push_str(&missing);
        self.end_part(index);
        Ok(missing)
    }

    /// Takes the complete text of all parts. Returns what is missing.
    pub(crate) fn complete(&mut self, complete: String) -> Result<String, Differs> {
        let complete = clean(complete);
        if complete.is_empty() {
            return Ok(String::new());
        }
        let missing = missing(&self.text, &complete)?;
        self.half = None;
        self.text.push_str(&missing);
        self.end_part(None);
        Ok(missing)
    }

    /// Ends the part that is being written. Returns U+FFFD if it ends with half of a surrogate pair.
    pub(crate) fn end_part(&mut self, index: Option<u64>) -> String {
        let half =
            self.half.take().map(|_| char::REPLACEMENT_CHARACTER).map(String::from).unwrap_or_default();
        self.text.push_str(&half);
        self.part_from = self.text.len();
        self.last_part = index;
        self.part = None;
        half
    }
}

/// Returns what is missing of a complete text if `written` was passed on. The complete text may lack white space at its edges,
/// but not have more of it at its beginning: then a piece was lost.
pub(crate) fn missing(written: &str, complete: &str) -> Result<String, Differs> {
    match complete.strip_prefix(written) {
        Some(missing) => Ok(missing.to_owned()),
        None if written.trim() == complete.trim() && written.contains(complete) => Ok(String::new()),
        None => Err(Differs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Text {
        Text::from(text.to_owned())
    }

    fn written(pieces: &[&str]) -> Written {
        let mut written = Written::default();
        for piece in pieces {
            assert_eq!(written.add(text(piece)), *piece);
        }
        written
    }

    #[test]
    fn only_what_is_missing_is_passed_on() {
        for (pieces, complete, missing) in [
            (&[][..], "Hello", Ok("Hello")),
            (&["Hel"], "Hello", Ok("lo")),
            (&["Hel", "lo"], "Hello", Ok("")),
            (&["Hel", "lo"], "", Ok("")),
            (&["\nHello "], "Hello", Ok("")),
            (&["\n\nHello"], "\nHello", Ok("")),
            (&["\nHello"], "\nHello\n", Ok("\n")),
            (&["\nHello"], "\n\nHello", Err(Differs)),
            (&["Hello"], " Hello", Err(Differs)),
            (&["Hel"], "Hallo", Err(Differs)),
            (&["Hello", "lo"], "Hello", Err(Differs)),
        ] {
            let part = written(pieces).complete_part(Some(0), complete.to_owned());
            assert_eq!(part, missing.map(str::to_owned), "{pieces:?}");
        }
    }

    #[test]
    fn a_part_may_be_completed_by_several_events() {
        let mut two = Written::default();
        for (index, complete, missing) in [
            (Some(0), "ab", "ab"),
            (Some(0), "ab", ""),
            (None, "ab", ""),
            (Some(1), "b", "b"),
            (Some(1), "b", ""),
        ] {
            assert_eq!(two.complete_part(index, complete.to_owned()).unwrap(), missing, "{index:?}");
        }
        assert_eq!(two.complete("abb".to_owned()), Ok(String::new()));
        assert_eq!(two.complete("abbc".to_owned()), Ok("c".to_owned()));
        assert_eq!(two.complete("b".to_owned()), Err(Differs));
    }

    #[test]
    fn half_of_a_pair_at_the_end_is_replaced() {
        let half = || serde_json::from_str::<Text>(r#""a\ud83d""#).unwrap();
        let mut cut = Written::default();
        assert_eq!((cut.add(half()), cut.has_open_part()), ("a".to_owned(), true));
        assert_eq!((cut.end_part(None), cut.text()), ("\u{fffd}".to_owned(), "a\u{fffd}"));
        let mut completed = Written::default();
        completed.add(half());
        assert_eq!(completed.complete_part(None, "a😀".to_owned()), Ok("😀".to_owned()));
    }
}
