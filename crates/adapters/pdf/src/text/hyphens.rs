//! Joins lines, and the words that were divided at their ends.

/// Words that a hyphen at the end of a line leaves whole: "Ein- und Ausgabe", "pre- and post-war".
const CONJUNCTIONS: [&str; 6] = ["and", "or", "to", "und", "oder", "bis"];

/// How much of a word is looked at, in bytes.
const LONGEST_WORD: usize = 256;

/// The text of lines, without the hyphens of divided words.
pub(super) fn join_lines(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines.iter().map(|line| line.trim_end()).filter(|line| !line.trim_start().is_empty()) {
        match undivided(&text, line) {
            Some(length) => text.truncate(length),
            None if text.is_empty() => {}
            None => text.push('\n'),
        }
        text.push_str(line);
    }
    text
}

/// The length of the text that stays, if its last word goes on in the next line: up to the hyphen, or with it if it is
/// a part of the word.
fn undivided(text: &str, next: &str) -> Option<usize> {
    let end = text.get(text.ceil_char_boundary(text.len().saturating_sub(LONGEST_WORD))..)?;
    let word = end.rsplit(char::is_whitespace).next()?;
    let start = word.strip_suffix(['-', '\u{2010}', '\u{ad}'])?;
    // A hyphen in an address is a part of it.
    let is_divided = start.ends_with(char::is_lowercase) && !start.contains(['/', '@', '_']);
    let continues = next.starts_with(char::is_lowercase)
        && !CONJUNCTIONS.contains(&next.split(|c: char| !c.is_alphabetic()).next()?);
    // Words with other hyphens are mostly divided at one of these: "state-of-the-art", "--no-cache".
    let stays = if start.contains(['-', '\u{2010}']) { word } else { start };
    (is_divided && continues).then(|| text.len() - word.len() + stays.len())
}

#[cfg(test)]
mod tests {
    use super::join_lines;

    fn join(first: &str, second: &str) -> String {
        join_lines(&[first.to_owned(), second.to_owned()])
    }

    #[test]
    fn divided_words_are_joined() {
        assert_eq!(join("an inter-", "national law"), "an international law");
        assert_eq!(join("an inter\u{2010}", "national law"), "an international law");
        assert_eq!(join("an inter\u{ad}", "national law"), "an international law");
        assert_eq!(join("die Donau- ", "dampfschifffahrt"), "die Donaudampfschifffahrt");
    }

    #[test]
    fn words_of_several_hyphens_keep_them() {
        assert_eq!(join("state-of-", "the-art"), "state-of-the-art");
        assert_eq!(join("--no-", "cache"), "--no-cache");
    }

    #[test]
    fn other_hyphens_stay() {
        for (first, second) in [
            ("CO-", "2 falls"),
            ("2019-", "2020"),
            ("Jean-", "Pierre"),
            ("items -", "one"),
            ("-", "one"),
            ("pre-", "and post-war"),
            ("https://example.org/a-", "path"),
        ] {
            assert_eq!(join(first, second), format!("{first}\n{second}"));
        }
    }

    #[test]
    fn blank_lines_are_left_out() {
        assert_eq!(join_lines(&["one".to_owned(), "  ".to_owned(), "    two ".to_owned()]), "one\n    two");
    }
}
