//! Puts accents and other marks to their letters. Some producers draw them as glyphs of their own, over or under a letter,
//! before or after it.

use unicode_bidi::{BidiClass, bidi_class};
use unicode_normalization::char::compose;

use super::direction::has_right_to_left;
use super::glyph::Glyph;

/// How far the middle of a mark may be from its letter, in font sizes.
const REACH: f64 = 0.4;
/// How far the middle of an accent may be from that of its letter, in widths of the letter.
const OFF_MIDDLE: f64 = 0.35;

/// Joins marks to the letters that they belong to.
pub(super) fn join_marks(glyphs: Vec<Glyph>) -> Vec<Glyph> {
    let mut joined: Vec<Glyph> = Vec::with_capacity(glyphs.len());
    for glyph in glyphs {
        let text =
            joined.last().and_then(|last| with_accent(last, &glyph).or_else(|| with_mark(last, &glyph)));
        match (joined.last_mut(), text) {
            (Some(last), Some(text)) => {
                // The letter has the width, whichever of the two it is.
                let letter =
                    if last.width() < glyph.width() || is_accent(last) { glyph } else { last.clone() };
                *last = Glyph { text, ..letter };
            }
            _ => joined.push(glyph),
        }
    }
    joined
}

/// The letter of two glyphs, if one is an accent over or under the other: TeX draws `´` and then `e`.
fn with_accent(last: &Glyph, next: &Glyph) -> Option<String> {
    let (accent, letter) = match (combining(&last.text), combining(&next.text)) {
        (Some(accent), None) => (accent, next),
        (None, Some(accent)) => (accent, last),
        _ => return None,
    };
    let is_over = last.rise(next) < last.height
        && (last.middle() - next.middle()).dot(last.direction).abs() <= OFF_MIDDLE * letter.width();
    let mut characters = letter.text.chars();
    let base = characters.next().filter(|base| base.is_alphabetic() && is_over)?;
    // An `i` without a dot carries other accents instead of its dot.
    let base = if base == 'ı' && accent != '\u{307}' { 'i' } else { base };
    let composed = compose(base, accent)?;
    Some(std::iter::once(composed).chain(characters).collect())
}

/// A letter and its mark, if one of two glyphs is a mark on the other.
fn with_mark(last: &Glyph, next: &Glyph) -> Option<String> {
    let (mark, letter) = match (is_mark(last), is_mark(next)) {
        (true, false) => (last, next),
        (false, true) => (next, last),
        _ => return None,
    };
    // Before its letter, a mark stands only where lines are drawn from left to right but read from the right.
    if letter.is_blank() || (is_mark(last) && !has_right_to_left(&letter.text)) {
        return None;
    }
    let place = letter.along(mark.middle());
    // On the left of a letter from right to left is the next one.
    let before = if has_right_to_left(&letter.text) { 0.0 } else { -REACH };
    let after =
        if has_right_to_left(&letter.text) { letter.width() } else { letter.width() + REACH * letter.em };
    let is_on = place >= before && place <= after && last.rise(next) < last.height;
    is_on.then(|| format!("{}{}", letter.text, mark.text))
}

fn is_mark(glyph: &Glyph) -> bool {
    !glyph.text.is_empty() && glyph.text.chars().all(|character| bidi_class(character) == BidiClass::NSM)
}

fn is_accent(glyph: &Glyph) -> bool {
    combining(&glyph.text).is_some()
}

/// The combining form of an accent that is a glyph of its own.
fn combining(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let accent = characters.next().filter(|_| characters.next().is_none())?;
    Some(match accent {
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
    })
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
    }

    #[test]
    fn an_accent_beside_a_letter_is_a_character() {
        assert_eq!(join(&[Glyph::at("´", 0.0, 0.0, 3.0), Glyph::at("e", 3.0, 0.0, 4.0)]), "´e");
        assert_eq!(join(&[Glyph::at("x", 0.0, 0.0, 5.0), Glyph::at("^", 5.0, 0.0, 5.0)]), "x^");
    }

    #[test]
    fn a_mark_follows_its_letter() {
        assert_eq!(join(&[Glyph::at("e", 0.0, 0.0, 5.0), Glyph::at("\u{301}", 5.0, 0.0, 0.0)]), "e\u{301}");
        assert_eq!(
            join(&[
                Glyph::at("ל", 0.0, 0.0, 5.0),
                Glyph::at("\u{5b8}", 7.0, 0.0, 0.0),
                Glyph::at("ש", 5.0, 0.0, 5.0),
            ]),
            "לש\u{5b8}"
        );
    }
}
