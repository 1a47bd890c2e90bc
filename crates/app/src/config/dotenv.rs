//! Reads `.env` files.
//!
//! The crate `dotenvy` is not used: it replaces `$NAME` inside values by a variable, which breaks secrets that contain
//! `$`, and it quotes the whole line in its errors (docs/decisions/006-kept-by-hand.md).

use std::iter::Peekable;
use std::str::Chars;

use super::ConfigError;

/// The variables of a file, in the order of the file.
///
/// A line is `NAME=value`, optionally after `export`. A value ends at the end of its line or at a `#` after a space. A
/// value in single quotes is taken as it is; in double quotes, the escapes are `\n`, `\t`, `\"`, `\\` and `\$`. Quoted
/// values may span several lines.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut reader = Reader { rest: text.chars().peekable(), line: 1 };
    let mut variables = Vec::new();
    while reader.rest.peek().is_some() {
        if let Some(variable) = reader.variable()? {
            variables.push(variable);
        }
    }
    Ok(variables)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn error(line: usize, problem: &str) -> ConfigError {
        ConfigError::new(format!(".env, line {line},"), problem)
    }

    /// Reads up to the first of these characters, which stays unread.
    fn until(&mut self, ends: &[char]) -> String {
        let mut text = String::new();
        while let Some(c) = self.rest.next_if(|c| !ends.contains(c)) {
            text.push(c);
        }
        text
    }

    fn variable(&mut self) -> Result<Option<(String, String)>, ConfigError> {
        let line = self.line;
        let name = self.until(&['=', '\n', '#']);
        let name = name.trim();
        if self.rest.peek() != Some(&'=') {
            self.until(&['\n']);
            self.next();
            let problem = "holds no `NAME=value`";
            return if name.is_empty() { Ok(None) } else { Err(Self::error(line, problem)) };
        }
        self.next();
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
        if name.is_empty() || !name.chars().all(known) {
            return Err(Self::error(line, "holds a name that is not valid for a variable"));
        }
        Ok(Some((name.to_owned(), self.value(line)?)))
    }

    fn value(&mut self, line: usize) -> Result<String, ConfigError> {
        while self.rest.next_if(|c| *c == ' ' || *c == '\t').is_some() {}
        let Some(quote) = self.rest.next_if(|c| *c == '"' || *c == '\'') else {
            let whole = self.until(&['\n']);
            self.next();
            return Ok(without_comment(&whole).trim().to_owned());
        };
        let value = self.quoted(quote, line)?;
        let after = self.until(&['\n']);
        self.next();
        if after.trim().is_empty() || after.trim_start().starts_with('#') {
            Ok(value)
        } else {
            Err(Self::error(line, "goes on after the closing quote"))
        }
    }

    fn quoted(&mut self, quote: char, line: usize) -> Result<String, ConfigError> {
        let mut value = String::new();
        loop {
            let c = self.next().ok_or_else(|| Self::error(line, "holds a quote that is never closed"))?;
            if c == quote {
                return Ok(value);
            }
            if c != '\\' || quote == '\'' {
                value.push(c);
                continue;
            }
            match self.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(c @ ('"' | '\\' | '$')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
                None => {}
            }
        }
    }
}

/// Cuts off a comment. A `#` begins one at the start or after a space; elsewhere it is part of the value.
fn without_comment(value: &str) -> &str {
    let mut before = ' ';
    for (at, c) in value.char_indices() {
        if c == '#' && before.is_whitespace() {
            return value.get(..at).unwrap_or(value);
        }
        before = c;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> String {
        let variables = parse(line).unwrap();
        assert_eq!(variables.len(), 1, "{line}");
        assert_eq!(variables[0].0, "NAME");
        variables[0].1.clone()
    }

    #[test]
    fn a_comment_after_a_value_is_not_part_of_it() {
        assert_eq!(one("NAME=value  # comment"), "value");
        assert_eq!(one("NAME=value#no comment"), "value#no comment");
        assert_eq!(one("NAME=   # comment"), "");
        assert_eq!(one("NAME=#comment"), "");
        assert_eq!(one("NAME=\"a # b\" # c"), "a # b");
        assert_eq!(one("NAME='a # b'# c"), "a # b");
    }

    #[test]
    fn values_are_taken_as_they_are() {
        assert_eq!(one("NAME=a$b${c}`d`=e\\n"), "a$b${c}`d`=e\\n");
        assert_eq!(one("NAME='a$b\\n\"'"), "a$b\\n\"");
        assert_eq!(one("NAME=\"a\\nb\\\"\\\\\\$\\x\""), "a\nb\"\\$\\x");
        assert_eq!(one("  export NAME = two words  \r\n"), "two words");
        assert_eq!(one("\u{feff}NAME=value"), "value");
        assert_eq!(one("NAME=\"first\nsecond\"\n"), "first\nsecond");
        assert_eq!(one("NAME="), "");
    }

    #[test]
    fn empty_lines_and_comments_are_skipped() {
        let text = "# comment = none\n\n  # another\nA=1\n\nB=2 # two\n# end";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(parse(text).unwrap(), [pair("A", "1"), pair("B", "2")]);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn errors_name_the_line_and_quote_nothing() {
        for (text, line) in [
            ("A=1\nsecret canary", 2),
            ("A='x\ny'\n\nB='canary", 4),
            ("A=1\n\nB=\"x\" canary", 3),
            ("=canary", 1),
            ("a b=canary", 1),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("line {line},")), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
