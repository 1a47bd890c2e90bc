//! Puts accents and other marks to their letters. Some producers draw them as glyphs of their own, over or under a letter,
//! before or after it.

use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::char::compose;

use super::direction::has_right_to_left;
use super::glyph::Glyph;

/// How far the middle of a mark may be from the letter that it follows, in font sizes.
const REACH: f64 = 0.4;

/// Joins marks to the letters that they belong to.
pub(super) fn join_marks(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut joined: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    // Marks whose letter comes after them.
    let mut waiting: Vec<Glyph> = Vec::new();
    let mut glyphs = glyphs.into_iter().peekable();
    while let Some(glyph) = glyphs.next() {
        let Some(mark) = mark(&glyph) else {
            let mut letter = glyph;
            for mark in waiting.drain(..) {
                put(&mut letter, &mark);
            }
            joined.push(letter);
            continue;
        };
        if keeps_its_order(&mark) {
            match joined.last_mut().filter(|last| is_close(&glyph, last)) {
                Some(last) => put_behind(last, &glyph),
                None => joined.push(glyph),
            }
            continue;
        }
        let next = glyphs.peek().filter(|next| is_letter(next));
        let last = joined.last_mut().filter(|last| is_letter(last));
        if next.is_some_and(|next| belongs_to_next(&glyph, last.as_deref(), next)) {
            waiting.push(Glyph { text: mark, ..glyph });
        } else if let Some(last) = last.filter(|last| follows(&glyph, last)) {
            put(last, &Glyph { text: mark, ..glyph });
        } else {
            joined.push(glyph);
        }
    }
    joined.extend(waiting);
    joined
}

/// Whether a glyph is of combining marks whose letter is found by its position.
pub(super) fn is_found_by_position(text: &str) -> bool {
    is_combining(text) && !keeps_its_order(text)
}

/// Whether marks come after their letter in any document: those of the scripts of South and Southeast Asia, from Devanagari
/// to Tai Tham, and their extensions.
fn keeps_its_order(mark: &str) -> bool {
    mark.starts_with(|first| matches!(first, '\u{900}'..='\u{1aaf}' | '\u{a800}'..='\u{abff}'))
}

/// Whether a mark is drawn near the end of the glyph before it.
fn is_close(mark: &Glyph, last: &Glyph) -> bool {
    !last.is_blank() && last.gap(mark).abs() < last.em && last.rise(mark) < last.height
}

/// Adds a mark to the text of the glyph before it, whatever that stands for.
fn put_behind(last: &mut Glyph, mark: &Glyph) {
    last.text.push_str(&mark.text);
    if last.along(mark.end) > last.width() {
        last.end = mark.end;
    }
}

/// Whether a mark is drawn on the next letter rather than on the last one: TeX draws `´` and then `e`, and lines from right
/// to left can be drawn from the left.
fn belongs_to_next(mark: &Glyph, last: Option<&Glyph>, next: &Glyph) -> bool {
    let is_after_last =
        last.is_some_and(|last| has_right_to_left(&next.text) && last.along(next.start) > 0.0);
    is_on(mark, next) && (is_after_last || !last.is_some_and(|last| is_on(mark, last)))
}

/// Whether the middle of a mark is over or under a letter.
fn is_on(mark: &Glyph, letter: &Glyph) -> bool {
    let position = letter.along(mark.middle());
    (0.0..=letter.width()).contains(&position) && letter.rise(mark) < letter.height
}

/// Whether a mark belongs to the letter before it. Marks of no width may stand behind their letter; accents that are
/// characters of their own may not.
fn follows(mark: &Glyph, letter: &Glyph) -> bool {
    let position = letter.along(mark.middle());
    let reach =
        if is_combining(&mark.text) && mark.width() < REACH * mark.em { REACH * letter.em } else { 0.0 };
    is_on(mark, letter)
        || ((-reach..letter.width() + reach).contains(&position) && letter.rise(mark) < letter.height)
}

/// Adds a mark to its letter.
fn put(letter: &mut Glyph, mark: &Glyph) {
    for mark in mark.text.chars() {
        let last = letter.text.pop();
        letter.text.extend(
            match (last, mark) {
                // An `i` without a dot carries other marks instead of its dot.
                (Some('ı'), _) => [compose('i', mark), None],
                // A stroke through a letter is not a part of it in Unicode.
                (Some('l'), '\u{335}'..='\u{338}') => [Some('ł'), None],
                (Some('L'), '\u{335}'..='\u{338}') => [Some('Ł'), None],
                (Some(last), mark) => match compose(last, mark) {
                    Some(composed) => [Some(composed), None],
                    None => [Some(last), Some(mark)],
                },
                (None, mark) => [Some(mark), None],
            }
            .into_iter()
            .flatten(),
        );
    }
}

fn is_letter(glyph: &Glyph) -> bool {
    mark(glyph).is_none() && glyph.text.chars().any(char::is_alphabetic)
}

fn is_combining(text: &str) -> bool {
    text.chars().all(|character| bidi_class(character) == BidiClass::NSM)
}

/// The mark that a glyph shows: combining characters, or those for an accent that is a character of its own.
fn mark(glyph: &Glyph) -> Option<String> {
    if glyph.text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    if is_combining(&glyph.text) {
        return Some(glyph.text.clone()).filter(|text| !text.is_empty());
    }
    let mut characters = glyph.text.chars();
    let accent = characters.next().filter(|_| characters.next().is_none())?;
    let mark = match accent {
        '`' | '\u{2cb}' => '\u{300}',
        '\u{b4}' | '\u{2ca}' => '\u{301}',
        '^' | '\u{2c6}' => '\u{302}',
        '~' | '\u{2dc}' => '\u{303}',
        '\u{af}' | '\u{2c9}' => '\u{304}',
        '\u{2d8}' => '\u{306}',
        '\u{2d9}' => '\u{307}',
        '\u{a8}' => '\u{308}',
        '\u{2da}' | '\u{b0}' => '\u{30a}',
        '\u{2dd}' => '\u{30b}',
        '\u{2c7}' => '\u{30c}',
        '\u{b8}' => '\u{327}',
        '\u{2db}' => '\u{328}',
        _ => return None,
    };
    Some(mark.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::glyph::Glyph;
    use super::join_marks;

    fn join(glyphs: &[Glyph]) -> String {
        join_marks(glyphs.to_vec()).iter().map(|glyph| glyph.text.as_str()).collect()
    }

    #[test]
    fn an_accent_over_a_letter_is_a_part_of_it() {
        assert_eq!(join(&[Glyph::at("´", 0.5, 0.0, 3.0), Glyph::at("e", 0.0, 0.0, 4.0)]), "é");
        assert_eq!(join(&[Glyph::at("¨", 0.0, 2.0, 4.0), Glyph::at("ı", 0.5, 0.0, 3.0)]), "ï");
        assert_eq!(join(&[Glyph::at("c", 0.0, 0.0, 4.0), Glyph::at("¸", 0.0, 0.0, 4.0)]), "ç");
        assert_eq!(join(&[Glyph::at("\u{337}", 0.0, 0.0, 2.8), Glyph::at("l", 0.0, 0.0, 2.8)]), "ł");
        let word =
            [Glyph::at("a", 0.0, 0.0, 5.0), Glyph::at("ˆ", 5.5, 0.0, 4.0), Glyph::at("x", 5.0, 0.0, 5.0)];
        assert_eq!(join(&word), "ax\u{302}");
    }

    #[test]
    fn an_accent_beside_a_letter_is_a_character() {
        assert_eq!(join(&[Glyph::at("´", 0.0, 0.0, 3.0), Glyph::at("e", 3.0, 0.0, 4.0)]), "´e");
        assert_eq!(join(&[Glyph::at("x", 0.0, 0.0, 5.0), Glyph::at("^", 5.0, 0.0, 5.0)]), "x^");
    }

    #[test]
    fn marks_of_asian_scripts_stay_behind_what_they_are_drawn_after() {
        let word = [
            Glyph::at("น", 0.0, 0.0, 6.0),
            Glyph::at("\u{e34}", 6.0, 0.0, 0.0),
            Glyph::at("\u{e49}", 6.0, 0.0, 0.0),
            Glyph::at("ว", 6.0, 0.0, 5.0),
        ];
        assert_eq!(join(&word), "นิ้ว");
    }

    #[test]
    fn a_mark_follows_its_letter() {
        assert_eq!(join(&[Glyph::at("e", 0.0, 0.0, 5.0), Glyph::at("\u{323}", 5.0, 0.0, 0.0)]), "ẹ");
        let from_left = [
            Glyph::at("ל", 0.0, 0.0, 5.0),
            Glyph::at("\u{5b8}", 5.0, 0.0, 0.0),
            Glyph::at("ש", 5.0, 0.0, 5.0),
        ];
        assert_eq!(join(&from_left), "לש\u{5b8}");
        let from_right = [
            Glyph::at("ש", 5.0, 0.0, 5.0),
            Glyph::at("\u{5b8}", 5.0, 0.0, 0.0),
            Glyph::at("ל", 0.0, 0.0, 5.0),
        ];
        assert_eq!(join(&from_right), "ש\u{5b8}ל");
    }
}
