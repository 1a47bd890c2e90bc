//! Text in a stream that belongs to no event. Servers and proxies send errors and whole answers like that.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::event_name::holds_answer;

/// The most bytes of one JSON text.
const JSON_BYTES: usize = eventsource_stream::EVENT_BYTES;
/// The most bytes that are kept for the log.
const WORDS_BYTES: usize = 2 * 1024;
/// How a page begins, in lower case.
const PAGES: [&str; 4] = ["<!doctype", "<html", "<head", "<?xml"];
/// Words of which one is in most sentences that servers and proxies send instead of an answer, such as `Internal Server
/// Error`, `Bad Gateway`, `no healthy upstream`, `Traceback (most recent call last)`.
const ERROR_WORDS: [&str; 10] = [
    "error",
    "exception",
    "failed",
    "failure",
    "gateway",
    "timeout",
    "timed",
    "traceback",
    "unavailable",
    "upstream",
];

/// What a stray text is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// JSON, which the decoder judges: an error, an event without `data:`, or a whole answer.
    Json(String),
    /// An error in words, or the fields of one as JSON.
    Error(String),
}

/// Collects the stray lines of a stream.
#[derive(Debug, Default)]
pub(crate) struct StrayText {
    /// JSON or a page whose end has not come.
    unfinished: String,
    /// The first lines that say nothing by themselves. If the answer does not end, they are the best that is known.
    words: String,
}

impl StrayText {
    /// Adds a line. Returns what it, or the text that it ends, is.
    pub(crate) fn push(&mut self, line: &str) -> Option<Finding> {
        if !self.unfinished.is_empty() {
            return self.go_on(line);
        }
        if let Some(error) = error_field(line) {
            return Some(Finding::Error(error.to_owned()));
        }
        if is_error_sentence(line) {
            return Some(Finding::Error(line.trim().to_owned()));
        }
        let begins_json = line.trim_start().starts_with(['{', '[']);
        if !begins_json && holds_answer(line) {
            return Some(misnamed(line));
        }
        if begins_json && is_json(line) {
            return Some(Finding::Json(line.to_owned()));
        }
        if begins_json || begins_page(line) {
            line.clone_into(&mut self.unfinished);
        } else {
            self.keep(line);
        }
        None
    }

    /// Adds a line to the unfinished text.
    fn go_on(&mut self, line: &str) -> Option<Finding> {
        self.unfinished.push('\n');
        self.unfinished.push_str(line);
        if begins_page(&self.unfinished) {
            let is_enough =
                self.unfinished.len() >= WORDS_BYTES || line.to_ascii_lowercase().contains("</html>");
            return is_enough.then(|| Finding::Error(std::mem::take(&mut self.unfinished)));
        }
        // Only the last line of an indented JSON text begins with a bracket.
        if line.starts_with(['}', ']']) && is_json(&self.unfinished) {
            return Some(Finding::Json(std::mem::take(&mut self.unfinished)));
        }
        if self.unfinished.len() > JSON_BYTES {
            self.unfinished.clear();
        }
        None
    }

    /// Ends the unfinished text, because an event follows or the stream ends. `began` says whether the answer has begun:
    /// then JSON that is cut off may be a part of it, which must not be in the log.
    pub(crate) fn end(&mut self, began: bool) -> Option<Finding> {
        if self.unfinished.is_empty() {
            return None;
        }
        let text = std::mem::take(&mut self.unfinished);
        if begins_page(&text) {
            return Some(Finding::Error(text));
        }
        if is_json(&text) {
            return Some(Finding::Json(text));
        }
        if began && holds_answer(&text) {
            // Without it, the answer has a gap.
            return Some(Finding::Error(text));
        }
        if !began {
            self.keep(&text);
        }
        None
    }

    /// Keeps words for the log, as far as there is room.
    pub(crate) fn keep(&mut self, words: &str) {
        let room = WORDS_BYTES.saturating_sub(self.words.len());
        let words = words.trim();
        let end = words.floor_char_boundary(room);
        self.words.push_str(words.get(..end).unwrap_or_default());
        if !words.is_empty() && self.words.len() < WORDS_BYTES {
            self.words.push('\n');
        }
    }

    /// Returns the words that were kept; `None` if there are none.
    pub(crate) fn words(&self) -> Option<&str> {
        let words = self.words.trim();
        if words.contains(|c: char| c == '\u{fffd}' || (c.is_control() && !c.is_whitespace())) {
            return Some("the body is no text; is it compressed?");
        }
        Some(words).filter(|words| !words.is_empty())
    }
}

/// Returns the objects in a JSON text: itself, or the members of a list, in which some servers send errors.
pub(crate) fn objects(json: &str) -> Vec<Cow<'_, str>> {
    if json.trim_start().starts_with('{') {
        return vec![Cow::Borrowed(json)];
    }
    let members: Vec<Value> = serde_json::from_str(json).unwrap_or_default();
    members.into_iter().filter(Value::is_object).map(|member| Cow::Owned(member.to_string())).collect()
}

/// Reads a line with a part of the answer whose field is not called `data:`, such as ` data: {…}` or `Data: {…}`. If it cannot
/// be read, the answer has a gap.
fn misnamed(line: &str) -> Finding {
    let json = line.find('{').and_then(|at| line.get(at..)).filter(|json| is_json(json));
    match json {
        Some(json) => Finding::Json(json.to_owned()),
        None => Finding::Error(line.to_owned()),
    }
}

/// Whether a text is complete JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Returns the error in a line `error: …`, unless it is empty: `error: null`.
fn error_field(line: &str) -> Option<&str> {
    let (name, error) = line.split_once(':')?;
    let is_error = name.trim().eq_ignore_ascii_case("error") && !is_empty(error.trim());
    is_error.then(|| error.trim())
}

/// Whether a line is a sentence about an error. An unknown field, `name: value`, is no sentence.
fn is_error_sentence(line: &str) -> bool {
    let line = line.trim();
    let name = line.split(':').next().unwrap_or(line);
    let is_sentence = name.contains(char::is_whitespace) && line.starts_with(char::is_alphabetic);
    let mut words = line.split(|c: char| !c.is_alphanumeric());
    is_sentence && words.any(|word| ERROR_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

fn is_empty(error: &str) -> bool {
    match serde_json::from_str(error) {
        Ok(Value::Null | Value::Bool(false)) => true,
        Ok(Value::String(text)) => text.trim().is_empty(),
        Ok(Value::Array(values)) => values.is_empty(),
        Ok(Value::Object(fields)) => fields.is_empty(),
        Ok(Value::Bool(true) | Value::Number(_)) => false,
        Err(_) => error.is_empty(),
    }
}

fn begins_page(text: &str) -> bool {
    let text = text.trim_start();
    PAGES.iter().any(|start| text.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The findings in these lines, and the words that were kept.
    fn read(text: &str) -> (Vec<Finding>, String) {
        let mut stray = StrayText::default();
        let mut found: Vec<Finding> = text.lines().filter_map(|line| stray.push(line)).collect();
        found.extend(stray.end(false));
        (found, stray.words().unwrap_or_default().to_owned())
    }

    #[test]
    fn json_is_found_on_one_line_and_on_many() {
        let pretty = "{\n  \"error\": {\n    \"code\": 429\n  }\n}";
        for text in ["{\"a\": 1}", "  [1]", pretty, "[\n{\n\"a\": 1\n}\n]", "{\n\"a\":\n1 }"] {
            assert_eq!(read(text), (vec![Finding::Json(text.to_owned())], String::new()), "{text}");
        }
        let two = read("{\"a\":1}\n{\"b\":2}").0;
        assert_eq!(two, [Finding::Json("{\"a\":1}".to_owned()), Finding::Json("{\"b\":2}".to_owned())]);
    }

    #[test]
    fn the_objects_of_a_list_are_found() {
        assert_eq!(objects(" {\"a\": 1}"), [" {\"a\": 1}"]);
        assert_eq!(objects("[{\"a\": 1}, 2, {\"b\": []}]"), ["{\"a\":1}", "{\"b\":[]}"]);
        assert!(objects("[]").is_empty());
    }

    #[test]
    fn errors_and_pages_are_found() {
        let page = "<!DOCTYPE html>\n<html>\n<title>502 Bad Gateway</title>\n</html>";
        for (text, error) in [
            ("error: {\"code\": 429}", "{\"code\": 429}"),
            ("ERROR:the engine failed", "the engine failed"),
            ("error: true", "true"),
            (page, page),
            ("<html>no end", "<html>no end"),
            ("Internal Server Error", "Internal Server Error"),
            ("no healthy upstream", "no healthy upstream"),
            ("error code: 502", "error code: 502"),
        ] {
            assert_eq!(read(text), (vec![Finding::Error(error.to_owned())], String::new()), "{text}");
        }
    }

    #[test]
    fn other_lines_are_words() {
        for text in [
            "foo: bar",
            "x-upstream-error: 1",
            "Please sign in",
            "error: null",
            "error: {}",
            "error:",
            "errors: 1",
            "{\"cut",
        ] {
            assert_eq!(read(text), (Vec::new(), text.to_owned()), "{text}");
        }
        assert_eq!(read(" \n\n").1, "");
        let mut stray = StrayText::default();
        assert_eq!((stray.push("{\"cut"), stray.end(true), stray.words()), (None, None, None));
        assert_eq!(read("\u{1f}\u{fffd}\u{8}").1, "the body is no text; is it compressed?");
        assert!(read(&"é".repeat(3 * WORDS_BYTES)).1.len() <= WORDS_BYTES);
    }
}
