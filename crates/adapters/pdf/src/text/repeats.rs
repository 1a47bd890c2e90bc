//! Finds glyphs that are drawn twice at nearly the same position: bold letters, shadows, and letters that are filled and
//! then outlined.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hayro_interpret::kurbo::Point;

use super::glyph::Glyph;

/// Two glyphs of the same text this close are one, in font sizes. The narrowest glyphs, `i` and `l`, are about 0.2 wide.
const CLOSE: f64 = 0.12;

/// A glyph that covers more of the last one than this may repeat it. Letters that are set tightly cover half of each other.
const COVERED: f64 = 0.75;

/// The glyphs of a page by the hash of their text and by their position: a cell of a grid.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    drawn: HashMap<(u64, i64, i64), Point>,
}

impl Repeats {
    /// Whether all of these glyphs, which are drawn at once, were drawn at their positions before; if not, they are from
    /// now on. A few of them may be there by chance: a letter may be narrow, and a new date may be drawn over an old one.
    pub(super) fn contains(&mut self, run: &[Glyph]) -> bool {
        // The spaces count only if there is nothing else.
        let is_blank = run.iter().all(Glyph::is_blank);
        let counts = |glyph: &&Glyph| has_position(glyph) && (is_blank || !glyph.is_blank());
        let mut counted = run.iter().filter(counts).peekable();
        let is_repeat = counted.peek().is_some() && counted.all(|glyph| self.is_drawn(glyph));
        if !is_repeat {
            for glyph in run.iter().filter(|glyph| has_position(glyph)) {
                let (text, close) = (self.text(glyph), close(glyph));
                self.drawn
                    .insert((text, cell(glyph.start.x, close), cell(glyph.start.y, close)), glyph.start);
            }
        }
        is_repeat
    }

    fn is_drawn(&self, glyph: &Glyph) -> bool {
        let (text, close) = (self.text(glyph), close(glyph));
        let cells = |coordinate: f64| cell(coordinate - close, close)..=cell(coordinate + close, close);
        cells(glyph.start.x).any(|column| {
            cells(glyph.start.y).any(|row| {
                let drawn = self.drawn.get(&(text, column, row));
                drawn.is_some_and(|drawn| drawn.distance(glyph.start) < close)
            })
        })
    }

    fn text(&self, glyph: &Glyph) -> u64 {
        self.drawn.hasher().hash_one(&glyph.text)
    }
}

/// Whether a glyph is drawn on the last one instead of behind it.
pub(super) fn goes_back(last: &Glyph, next: &Glyph) -> bool {
    has_position(last) && last.gap(next) < -COVERED * last.width()
}

/// Whether the position of a glyph tells it from others. Glyphs of no width are all at one position, whether they are the
/// same or not.
fn has_position(glyph: &Glyph) -> bool {
    close(glyph) > 0.0 && glyph.width() > 0.0
}

/// How close a repeat of a glyph is.
fn close(glyph: &Glyph) -> f64 {
    CLOSE * glyph.em.min(glyph.height)
}

/// The cell of a coordinate. It is as wide as repeats may be apart, so that two letters of a word are not in the same one.
#[expect(clippy::cast_possible_truncation, reason = "a position far outside is in a cell like any other")]
fn cell(coordinate: f64, close: f64) -> i64 {
    (coordinate / close).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::super::glyph::Glyph;
    use super::{Repeats, goes_back};

    #[test]
    fn only_what_is_drawn_at_nearly_the_same_position_is_a_repeat() {
        let mut repeats = Repeats::default();
        let mut is_repeat = |text: &str, x: f64, y: f64| repeats.contains(&[Glyph::at(text, x, y, 2.2)]);
        assert!(!is_repeat("l", 100.0, 0.0));
        assert!(is_repeat("l", 100.4, 0.0));
        assert!(is_repeat("l", 99.6, -0.4));
        assert!(!is_repeat("l", 102.2, 0.0));
        assert!(!is_repeat("i", 100.0, 0.0));
        assert!(!is_repeat("l", 100.0, 12.0));
    }

    /// The glyphs of a word with this distance from letter to letter.
    fn word(letters: &str, step: f64) -> Vec<Glyph> {
        let mut x = 0.0;
        let mut glyphs = Vec::new();
        for letter in letters.split("").filter(|letter| !letter.is_empty()) {
            glyphs.push(Glyph::at(letter, x, 0.0, 2.2));
            x += step;
        }
        glyphs
    }

    #[test]
    fn a_word_is_a_repeat_as_a_whole_only() {
        let mut repeats = Repeats::default();
        assert!(!repeats.contains(&word("2024", 5.0)));
        assert!(!repeats.contains(&word("2025", 5.0)));
        assert!(repeats.contains(&word("2024", 5.0)));
        assert!(repeats.contains(&word("20", 5.0)));
    }

    #[test]
    fn a_letter_on_the_last_one_is_not_a_part_of_its_word() {
        let [first, tight, bold] = [0.0, 1.1, 0.4].map(|x| Glyph::at("l", x, 0.0, 2.2));
        assert!(!goes_back(&first, &tight));
        assert!(goes_back(&first, &bold));
    }

    #[test]
    fn letters_that_are_set_tightly_are_no_repeats_of_each_other() {
        let mut repeats = Repeats::default();
        assert!(!repeats.contains(&word("llll", 1.0)));
        assert!(repeats.contains(&word("llll", 1.0)));
    }
}
