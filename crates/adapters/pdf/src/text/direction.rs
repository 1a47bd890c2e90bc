//! The order of reading of a line that holds words from right to left: Arabic, Persian, Hebrew.
//!
//! A page gives the positions of glyphs. What is read first is on the right, but numbers and Latin words go from left to
//! right. This is the way back from what the Unicode Bidirectional Algorithm (UAX 9) does; the names of its rules
//! are given in brackets.

use unicode_bidi::{BidiClass, bidi_class};

/// How many parts of a line are looked at to find where a number or a Latin word begins.
const LONGEST: usize = 1000;

/// No character before this one is written from right to left.
const FIRST_HEBREW: char = '\u{590}';

/// The direction in which a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    LeftToRight,
    RightToLeft,
}

impl Direction {
    /// The direction of most letters.
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut surplus: i64 = 0;
        for character in texts.into_iter().flat_map(str::chars) {
            surplus += match kind(character) {
                Kind::Hebrew | Kind::Arabic => 1,
                Kind::Latin => -1,
                Kind::Digit
                | Kind::ArabicDigit
                | Kind::Unit
                | Kind::Separator
                | Kind::Sign
                | Kind::Neutral => 0,
            };
        }
        if surplus > 0 { Self::RightToLeft } else { Self::LeftToRight }
    }
}

/// Whether a text holds a letter that is written from right to left.
pub(super) fn has_right_to_left(text: &str) -> bool {
    text.chars().any(|character| character >= FIRST_HEBREW && kind(character).is_right_to_left())
}

/// The text of a line whose parts are given as they stand from left to right. Each part is in the order of reading in
/// itself: a glyph with its marks, a ligature, or a space.
pub(super) fn in_order_of_reading(line: &[&str], direction: Direction) -> String {
    let parts: Vec<Part<'_>> = line.iter().map(|text| Part { text, kind: kind_of(text) }).collect();
    let mut text = String::new();
    if direction == Direction::RightToLeft {
        read_from_right(&parts, &mut text);
        return text;
    }
    let mut rest = parts.as_slice();
    while let Some(start) = rest.iter().position(|part| part.kind.is_right_to_left()) {
        let (before, from) = rest.split_at(start);
        text.extend(before.iter().map(|part| part.text));
        // The words from right to left that no Latin word interrupts.
        let end = from.iter().position(|part| part.kind == Kind::Latin).unwrap_or(from.len());
        let last = from.iter().take(end).rposition(|part| part.kind.is_right_to_left()).unwrap_or_default();
        let (words, after) = from.split_at(last + 1);
        read_from_right(words, &mut text);
        rest = after;
    }
    text.extend(rest.iter().map(|part| part.text));
    text
}

#[derive(Debug, Clone, Copy)]
struct Part<'t> {
    text: &'t str,
    kind: Kind,
}

/// The classes of the algorithm, as far as they matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin,
    Hebrew,
    Arabic,
    Digit,
    ArabicDigit,
    /// Belongs to a number beside it: `%`, `€`, `°`.
    Unit,
    /// Belongs to a number between two digits: `,`, `.`, `:`, `/`.
    Separator,
    /// Belongs to a number between two digits that are not Arabic: `+`, `-`.
    Sign,
    Neutral,
}

impl Kind {
    fn is_right_to_left(self) -> bool {
        matches!(self, Self::Hebrew | Self::Arabic)
    }

    fn is_digit(self) -> bool {
        matches!(self, Self::Digit | Self::ArabicDigit)
    }
}

fn kind(character: char) -> Kind {
    #[expect(clippy::wildcard_enum_match_arm, reason = "spaces, punctuation and invisible characters")]
    match bidi_class(character) {
        BidiClass::L => Kind::Latin,
        BidiClass::R => Kind::Hebrew,
        BidiClass::AL => Kind::Arabic,
        BidiClass::EN => Kind::Digit,
        BidiClass::AN => Kind::ArabicDigit,
        BidiClass::ET => Kind::Unit,
        BidiClass::CS => Kind::Separator,
        BidiClass::ES => Kind::Sign,
        _ => Kind::Neutral,
    }
}

/// The kind of a part: that of its first letter or digit, else of its first character.
fn kind_of(text: &str) -> Kind {
    let mut kinds = text.chars().map(kind);
    let strong = |kind: &Kind| kind.is_right_to_left() || kind.is_digit() || *kind == Kind::Latin;
    kinds.clone().find(strong).or_else(|| kinds.next()).unwrap_or(Kind::Neutral)
}

/// Reads parts from the right, except for numbers and Latin words.
fn read_from_right(mut parts: &[Part<'_>], text: &mut String) {
    let mut is_arabic = false;
    while let Some((last, before)) = parts.split_last() {
        let start = start_of_left_to_right(parts, is_arabic);
        if start < parts.len() {
            let (rest, words) = parts.split_at(start);
            text.extend(words.iter().map(|part| part.text));
            parts = rest;
        } else {
            match last.kind {
                Kind::Arabic => is_arabic = true,
                Kind::Hebrew => is_arabic = false,
                Kind::Latin
                | Kind::Digit
                | Kind::ArabicDigit
                | Kind::Unit
                | Kind::Separator
                | Kind::Sign
                | Kind::Neutral => {}
            }
            push_mirrored(last.text, text);
            parts = before;
        }
    }
}

/// Where the words and numbers begin that stand from left to right at the end of `parts`; its length if there are none.
/// After an Arabic word (W2), `is_arabic`, all digits are Arabic.
fn start_of_left_to_right(parts: &[Part<'_>], is_arabic: bool) -> usize {
    let kinds: Vec<Kind> = parts
        .iter()
        .rev()
        .map(|part| part.kind)
        .take_while(|kind| !kind.is_right_to_left())
        .take(LONGEST)
        .collect();
    // From here on, parts are counted from the right.
    let latin = kinds.iter().rposition(|kind| *kind == Kind::Latin).map(|last| last + 1);
    let number = number_length(&kinds, is_arabic);
    let begins = kinds.first().is_some_and(|first| *first == Kind::Latin) || number > 0;
    match latin {
        Some(latin) if begins => {
            let rest = kinds.get(latin..).unwrap_or_default();
            let space = rest.iter().take_while(|kind| **kind == Kind::Neutral).count();
            let number = number_length(rest.get(space..).unwrap_or_default(), is_arabic);
            parts.len() - latin - if number > 0 { space + number } else { 0 }
        }
        _ => parts.len() - number,
    }
}

/// How many of these kinds, given from right to left, belong to the number that ends there: its digits, separators between
/// two digits (W4) and units (W5).
fn number_length(kinds: &[Kind], is_arabic: bool) -> usize {
    let is_unit = |kind: &&Kind| **kind == Kind::Unit && !is_arabic;
    let units = kinds.iter().take_while(is_unit).count();
    let mut length = units;
    loop {
        let rest = kinds.get(length..).unwrap_or_default();
        match rest {
            [digit, ..] if digit.is_digit() => length += 1,
            [Kind::Separator, digit, ..] if length > units && digit.is_digit() => length += 2,
            [Kind::Sign, Kind::Digit, ..] if length > units && !is_arabic => length += 2,
            _ => break,
        }
    }
    if length == units {
        return 0;
    }
    length + kinds.iter().skip(length).take_while(is_unit).count()
}

/// A bracket opens towards its text, so that it shows the other way round from right to left (L4).
fn push_mirrored(part: &str, text: &mut String) {
    text.extend(part.chars().map(|character| match character {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        '‹' => '›',
        '›' => '‹',
        '≤' => '≥',
        '≥' => '≤',
        _ => character,
    }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_bidi::{BidiInfo, Level};

    use super::{Direction, in_order_of_reading, push_mirrored};

    /// What a line shows from left to right.
    fn shown(line: &str, direction: Direction) -> Vec<String> {
        let level = if direction == Direction::RightToLeft { Level::rtl() } else { Level::ltr() };
        let info = BidiInfo::new(line, Some(level));
        let levels = info.reordered_levels_per_char(&info.paragraphs[0], 0..line.len());
        let characters: Vec<char> = line.chars().collect();
        let order = BidiInfo::reorder_visual(&levels);
        order
            .into_iter()
            .map(|index| {
                let mut part = String::new();
                if levels[index].is_rtl() {
                    push_mirrored(&characters[index].to_string(), &mut part);
                } else {
                    part.push(characters[index]);
                }
                part
            })
            .collect()
    }

    fn read(shown: &[String], direction: Direction) -> String {
        let parts: Vec<&str> = shown.iter().map(String::as_str).collect();
        in_order_of_reading(&parts, direction)
    }

    /// Shows a line and reads it again.
    fn read_again(line: &str) -> String {
        let direction = Direction::of([line]);
        read(&shown(line, direction), direction)
    }

    #[test]
    fn words_from_right_to_left_are_read_from_the_right() {
        let letters = ["1", "2", "ם", "ו", "ל", "ש"];
        assert_eq!(in_order_of_reading(&letters, Direction::RightToLeft), "שלום12");
        for line in ["שלום עולם", "مرحبا بالعالم", "سلام دنیا"] {
            assert_eq!(read_again(line), line);
        }
    }

    #[test]
    fn numbers_are_read_from_the_left() {
        for line in [
            "המחיר הוא 1,234.50 שקל",
            "תאריך: 12/05/2026 בשעה 10:30",
            "עלייה של 50% לעומת 2025",
            "טווח 2020-2025 בלבד",
            "السعر ١٢٬٣٤٥٫٦٧ ريال",
            "عام 2026 هو 12 شهرا",
        ] {
            assert_eq!(read_again(line), line);
        }
    }

    #[test]
    fn latin_words_are_read_from_the_left() {
        for line in [
            "גרסה חדשה של Open Source Software זמינה עכשיו",
            "הפקודה cargo test 12 רצה היום",
            "يستخدم النظام Rust 2024 في الخادم",
            "the word שלום עולם means hello world",
            "one (שלום) two",
        ] {
            assert_eq!(read_again(line), line);
        }
    }

    #[test]
    fn brackets_open_before_their_text() {
        for line in ["שלום (עולם) טוב", "קובץ [PDF] חדש", "المادة (12) من القانون", "אמר «שלום» והלך"]
        {
            assert_eq!(read_again(line), line);
        }
    }

    #[test]
    fn a_part_of_several_characters_keeps_their_order() {
        let line = ["م", "ا", "ل", "س", " ", "لا", "إ"];
        assert_eq!(in_order_of_reading(&line, Direction::RightToLeft), "إلا سلام");
    }

    proptest! {
        /// Latin words and numbers beside each other could have been written in either order, so they are kept apart.
        #[test]
        fn a_line_in_both_directions_comes_back_as_it_was_written(
            words in proptest::collection::vec(("[א-ת]{1,6}|[ء-غف-ي]{1,6}", "|[a-z]{1,6}|[0-9]{1,4}|[0-9]{1,2}[.,:][0-9]{1,2}"), 1..6),
        ) {
            let line: Vec<String> = words.into_iter().flat_map(|(word, other)| [word, other]).filter(|word| !word.is_empty()).collect();
            let line = line.join(" ");
            prop_assert_eq!(read(&shown(&line, Direction::RightToLeft), Direction::RightToLeft), line);
        }

        /// Whatever the line, what was read shows the same again.
        #[test]
        fn what_was_read_shows_as_the_page_did(
            line in "([א-ת]{1,4}|[ء-غف-ي]{1,4}|[a-z]{1,4}|[0-9]{1,3}) ([א-ת]{1,4}|[0-9]{1,3}|[a-z]{1,4}) ([א-ת]{1,4}|[a-z]{1,4})",
        ) {
            let page = shown(&line, Direction::RightToLeft);
            prop_assert_eq!(shown(&read(&page, Direction::RightToLeft), Direction::RightToLeft), page);
        }
    }
}
