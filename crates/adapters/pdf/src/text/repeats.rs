//! Finds glyphs that are drawn twice at nearly the same place: bold letters, shadows, and letters that are filled and
//! then outlined.

use std::collections::HashMap;
use std::hash::BuildHasher;

use hayro_interpret::kurbo::Point;

use super::glyph::Glyph;

/// Two glyphs of the same text this close are one, in font sizes. The narrowest glyphs, `i` and `l`, are about 0.2 wide.
const CLOSE: f64 = 0.12;

/// The glyphs of a page by the hash of their text and by their place: the cell of a grid.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    drawn: HashMap<(u64, i64, i64), Point>,
}

impl Repeats {
    /// Whether such a glyph was drawn here before; if not, it is from now on.
    pub(super) fn contains(&mut self, glyph: &Glyph) -> bool {
        let close = CLOSE * glyph.em.min(glyph.height);
        // Glyphs of no width are all in one place, whether they are the same or not.
        if close <= 0.0 || glyph.width() <= 0.0 {
            return false;
        }
        let text = self.drawn.hasher().hash_one(&glyph.text);
        // A cell is twice as wide as repeats may be apart, so that they are in four cells at most.
        #[expect(clippy::cast_possible_truncation, reason = "a place far outside is a cell like any other")]
        let cell = |coordinate: f64| (coordinate / (2.0 * close)).floor() as i64;
        let Point { x, y } = glyph.start;
        for column in [cell(x - close), cell(x + close)] {
            for row in [cell(y - close), cell(y + close)] {
                let drawn = self.drawn.get(&(text, column, row));
                if drawn.is_some_and(|drawn| drawn.distance(glyph.start) < close) {
                    return true;
                }
            }
        }
        self.drawn.insert((text, cell(x), cell(y)), glyph.start);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::glyph::Glyph;
    use super::Repeats;

    #[test]
    fn only_what_is_drawn_at_nearly_the_same_place_is_a_repeat() {
        let mut repeats = Repeats::default();
        assert!(!repeats.contains(&Glyph::at("l", 100.0, 0.0, 2.2)));
        assert!(repeats.contains(&Glyph::at("l", 100.4, 0.0, 2.2)));
        assert!(repeats.contains(&Glyph::at("l", 99.6, -0.4, 2.2)));
        assert!(!repeats.contains(&Glyph::at("l", 102.2, 0.0, 2.2)));
        assert!(!repeats.contains(&Glyph::at("i", 100.0, 0.0, 2.2)));
        assert!(!repeats.contains(&Glyph::at("l", 100.0, 12.0, 2.2)));
    }
}
