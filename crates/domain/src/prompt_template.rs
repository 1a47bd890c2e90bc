//! Prompts: templates with variables that users keep (contract S1), and how the variables are put in.

use std::collections::BTreeMap;

use unicode_normalization::char::is_combining_mark;

use crate::text::caseless;
use crate::{JsonText, PromptId, Timestamp, UserId};

/// The longest name of a variable, in characters.
const NAME_CHARS: usize = 100;
/// What stands between the parts of a search text. No text of a client contains it.
const SEPARATOR: char = '\u{1}';
/// The most characters of a query that a database compares with a long text. In the worst case it compares each of them
/// with each character of the text.
const START_CHARS: usize = 64;

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The id.
    pub id: PromptId,
    /// The user that it belongs to; `None` for a system template, which every user sees and nobody changes.
    pub owner: Option<UserId>,
    /// The number of its current version: 1, 2, …
    pub version: u32,
    /// Its current version.
    pub fields: PromptFields,
    /// How many previews of it had an answer.
    pub usage_count: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its current version was written.
    pub updated_at: Timestamp,
}

/// What a version of a prompt consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFields {
    /// The title.
    pub title: String,
    /// What it is for, in a word or two. Lists are filtered by it.
    pub scenario: String,
    /// A description, if any.
    pub description: Option<String>,
    /// The template.
    pub content: String,
    /// A JSON object of the caller.
    pub metadata: JsonText,
}

/// A version of a prompt, the current one or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptVersion {
    /// The number: 1, 2, …
    pub version: u32,
    /// What it consists of.
    pub fields: PromptFields,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The expanded template has more characters than are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text has more than {max} characters once its variables are put in")]
pub struct ExpandedTooLong {
    /// The limit.
    pub max: usize,
}

/// Puts values in for the variables of a template, in time that grows linearly with the template and the output.
///
/// A variable is written `{name}`: 1 to 100 letters and digits of any script, `_`, `-` and `.`. Anything else in braces is
/// text, and so is a variable without a value. Values are put in as they are and never expanded, so no value can name
/// another variable.
///
/// # Errors
/// [`ExpandedTooLong`] as soon as the output would have more than `max_chars` characters. It is not made beyond that.
pub fn expand(
    template: &str,
    values: &BTreeMap<String, String>,
    max_chars: usize,
) -> Result<String, ExpandedTooLong> {
    let mut output = Output { text: String::new(), room: max_chars, max: max_chars };
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        output.push(before)?;
        let (name, tail) = split_name(after);
        match (tail.strip_prefix('}'), values.get(name)) {
            (Some(tail), Some(value)) if !name.is_empty() => {
                output.push(value)?;
                rest = tail;
            }
            _ => {
                output.push("{")?;
                output.push(name)?;
                rest = tail;
            }
        }
    }
    output.push(rest)?;
    Ok(output.text)
}

/// Splits a text behind the longest name that it begins with, which may be empty.
fn split_name(text: &str) -> (&str, &str) {
    let mut chars = text.char_indices().enumerate();
    let end = chars.find(|(count, (_, c))| *count == NAME_CHARS || !is_of_name(*c));
    text.split_at(end.map_or(text.len(), |(_, (at, _))| at))
}

/// Whether names of variables may contain a character. Many scripts write letters with marks of their own, as `हिन्दी` has.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.') || is_combining_mark(c)
}

/// A text of limited length that is being written.
struct Output {
    text: String,
    /// How many more characters it may have.
    room: usize,
    max: usize,
}

impl Output {
    fn push(&mut self, piece: &str) -> Result<(), ExpandedTooLong> {
        let room = self.room.checked_sub(piece.chars().count());
        self.room = room.ok_or(ExpandedTooLong { max: self.max })?;
        self.text.push_str(piece);
        Ok(())
    }
}

impl PromptFields {
    /// Returns the text that searches look in: title, content and description in the form of [`search_part`], with
    /// U+0001 between them, so that no query matches across two of them.
    #[must_use]
    pub fn search_text(&self) -> String {
        let description = self.description.as_deref().unwrap_or_default();
        [&self.title, &self.content, description].map(search_part).join(&SEPARATOR.to_string())
    }
}

/// Returns the form in which texts of prompts and queries are compared: without regard to case, and without U+0001.
#[must_use]
pub fn search_part(text: &str) -> String {
    caseless(&text.replace(SEPARATOR, ""))
}

/// What a search looks for in search texts. In a long text the database looks for its start alone. If there is more, a
/// text with the start is compared with the whole here, in time that grows linearly with both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    whole: String,
    /// Where the start ends, in bytes.
    start_end: usize,
}

impl SearchQuery {
    /// The most bytes of a text that a database compares with the whole.
    pub const SHORT_TEXT_BYTES: u32 = 512;

    /// The query for a text as a caller writes it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let whole = search_part(text);
        let start_end = whole.char_indices().nth(START_CHARS).map_or(whole.len(), |(at, _)| at);
        Self { whole, start_end }
    }

    /// The whole of it.
    #[must_use]
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// What the database looks for in longer texts.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.whole[..self.start_end]
    }

    /// Whether there is more than the start.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.start_end < self.whole.len()
    }

    /// Whether a search text has the whole of it.
    #[must_use]
    pub fn is_in(&self, search_text: &str) -> bool {
        search_text.contains(&self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 100_000;

    fn values<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// S1-48, Threat 63
    #[test]
    fn every_template_has_a_defined_result() {
        let values = values([
            ("text", "V"),
            ("a", "1"),
            ("größe", "gross"),
            ("e\u{301}", "acute"),
            ("имя", "name"),
            ("名前", "namae"),
            ("हिन्दी", "hindi"),
            ("v-1.2_x", "dotted"),
            ("7", "seven"),
            ("", "never"),
            (" a ", "never"),
            ("7*7", "never"),
            ("a{b", "never"),
            ("__class__", "dunder"),
        ]);
        for (template, expanded) in [
            ("", ""),
            ("no variables", "no variables"),
            ("{text}", "V"),
            ("a {text} b {text}{a}", "a V b V1"),
            // Braces that are no variable are text.
            ("{", "{"),
            ("}", "}"),
            ("{{", "{{"),
            ("}}", "}}"),
            ("{}", "{}"),
            ("{ }", "{ }"),
            ("}{", "}{"),
            ("{ text }", "{ text }"),
            ("{ a }", "{ a }"),
            ("{text", "{text"),
            ("{text {a}", "{text 1"),
            ("text}", "text}"),
            ("{text\n}", "{text\n}"),
            // A second brace begins anew.
            ("{{text}}", "{V}"),
            ("{{{text}}}", "{{V}}"),
            ("{{text}", "{V"),
            ("{a{text}b}", "{aVb}"),
            ("{text{a}}", "{text1}"),
            ("{a{b}", "{a{b}"),
            // No language is read.
            ("{{7*7}}", "{{7*7}}"),
            ("{7*7}", "{7*7}"),
            ("${7*7}", "${7*7}"),
            ("${text}", "$V"),
            ("{% for x in y %}{text}{% end %}", "{% for x in y %}V{% end %}"),
            ("{__class__}", "dunder"),
            ("{__class__.__mro__}", "{__class__.__mro__}"),
            ("{text!r} {text:>10} {text[0]} {0}", "{text!r} {text:>10} {text[0]} {0}"),
            ("$1 \\1 \\{text\\} %s", "$1 \\1 \\{text\\} %s"),
            ("#{text} <%= text %> {{{a}}}", "#V <%= text %> {{1}}"),
            // Names of any script.
            ("{größe} {имя} {名前} {हिन्दी} {e\u{301}}", "gross name namae hindi acute"),
            ("{v-1.2_x}{7}", "dottedseven"),
            ("{unknown} {größer}", "{unknown} {größer}"),
            ("{👍}{te xt}{te\u{200b}xt}", "{👍}{te xt}{te\u{200b}xt}"),
        ] {
            assert_eq!(expand(template, &values, MAX).as_deref(), Ok(expanded), "{template}");
        }
    }

    /// Threat 63
    #[test]
    fn values_are_put_in_once_and_never_expanded() {
        for hostile in [
            "{other}",
            "{text}",
            "{{text}}",
            "{",
            "}",
            "{oth",
            "{{7*7}}",
            "${7*7}",
            "{% x %}",
            "{__class__}",
            "$1",
            "\\1",
            "\u{1}\u{202e}",
        ] {
            let values = values([("text", hostile), ("other", "SECRET"), ("oth", "{"), ("er", "er}")]);
            let expanded = expand("[{text}|{text}]", &values, MAX).unwrap();
            assert_eq!(expanded, ["[", hostile, "|", hostile, "]"].concat());
            // Nor do a value and the text around it make a variable.
            assert_eq!(expand("{oth}other}", &values, MAX).as_deref(), Ok("{other}"));
            assert_eq!(expand("{{er}", &values, MAX).as_deref(), Ok("{er}"));
        }
    }

    /// Threat 63
    #[test]
    fn names_have_a_limit() {
        let (longest, longer) = ("n".repeat(100), "ñ".repeat(101));
        let values = values([(&longest, "1"), (&longer, "2")]);
        assert_eq!(expand(&["{", &longest, "}"].concat(), &values, MAX).as_deref(), Ok("1"));
        for text in [["{", &longer, "}"].concat(), ["{", &longest, "n", "}"].concat()] {
            assert_eq!(expand(&text, &values, MAX), Ok(text));
        }
        // What follows a name that is too long is read again from there.
        let text = ["{", &longer, "{", &longest, "}"].concat();
        assert_eq!(expand(&text, &values, MAX), Ok(["{", &longer, "1"].concat()));
    }

    /// Threat 63
    #[test]
    fn very_many_braces_are_text() {
        let values = values([("a", "1")]);
        for braces in ["{", "}", "{}", "}{", "{{}}", "{ }", "{a", "{a{", "{b}"] {
            for size in [100_000, 1_000_000] {
                let template = braces.repeat(size / braces.len());
                let expanded = expand(&template, &values, size);
                assert_eq!(expanded.as_deref(), Ok(template.as_str()), "{braces} {size}");
                assert_eq!(expand(&template, &values, 99_000), Err(ExpandedTooLong { max: 99_000 }));
            }
        }
    }

    /// Threat 63, C-37
    #[test]
    fn the_output_is_bounded_in_characters() {
        let (exact, long) = ("ä".repeat(10), "ä".repeat(11));
        assert_eq!(expand(&exact, &BTreeMap::new(), 10), Ok(exact.clone()));
        let too_long = Err(ExpandedTooLong { max: 10 });
        assert_eq!(expand(&long, &BTreeMap::new(), 10), too_long);
        assert_eq!(expand("{v}", &values([("v", &exact)]), 10), Ok(exact.clone()));
        assert_eq!(expand("{v}", &values([("v", &long)]), 10), too_long);
        assert_eq!(expand("{v}!", &values([("v", &exact)]), 10), too_long);
        // A small template that asks for terabytes.
        let template = "{v}".repeat(1_000_000);
        assert_eq!(
            expand(&template, &values([("v", &"x".repeat(MAX))]), MAX),
            Err(ExpandedTooLong { max: MAX })
        );
        assert_eq!(expand(&template, &values([("v", "")]), MAX).as_deref(), Ok(""));
    }

    /// S1-45
    #[test]
    fn a_search_text_has_its_parts_apart_and_no_case() {
        let fields = PromptFields {
            title: "Straße\u{1}n".to_owned(),
            scenario: "x".to_owned(),
            description: None,
            content: "100%_ÄÖÜ".to_owned(),
            metadata: JsonText::empty_object(),
        };
        assert_eq!(fields.search_text(), "strassen\u{1}100%_äöü\u{1}");
        let described = PromptFields { description: Some("ΟΔΟΣ".to_owned()), ..fields };
        assert_eq!(described.search_text(), "strassen\u{1}100%_äöü\u{1}οδοσ");
        assert_eq!(search_part("οδος"), "οδοσ");
    }

    /// S1-45, Threat 12
    #[test]
    fn the_database_compares_the_start_of_a_long_query() {
        for (text, start) in [
            ("Ä".repeat(64), "ä".repeat(64)),
            ("Ä".repeat(65), "ä".repeat(64)),
            // One letter becomes two.
            ("ß".repeat(40), "s".repeat(64)),
        ] {
            let query = SearchQuery::new(&text);
            assert_eq!(query.start(), start);
            assert_eq!(query.is_long(), text.chars().count() != 64);
            assert!(query.is_in(&search_part(&["x", &text, "x"].concat())));
            assert!(!query.is_in(&start[..start.len() - 2]));
        }
        assert!(!SearchQuery::new(&"a".repeat(65)).is_in(&"a".repeat(64)));
    }
}
