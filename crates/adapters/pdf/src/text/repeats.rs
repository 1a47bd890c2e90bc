//! Finds glyphs that are drawn twice at nearly the same place: bold letters, shadows, and letters that are filled and
//! then outlined.

use std::collections::HashMap;

use hayro_interpret::kurbo::Point;

use super::glyph::Glyph;

/// Two glyphs of the same text this close are one, in font sizes. The narrowest glyphs, `i` and `l`, are about 0.2 wide.
const CLOSE: f64 = 0.12;

/// The glyphs of a page by their place: the text, and the cell of a grid that is as wide as glyphs may be apart.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    drawn: HashMap<(String, i64, i64), Point>,
}

impl Repeats {
    /// Whether such a glyph was drawn here before; if not, it is from now on.
    pub(super) fn contains(&mut self, glyph: &Glyph) -> bool {
        let close = CLOSE * glyph.em.min(glyph.height);
        if close <= 0.0 {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a place far outside is a cell like any other")]
        let cell = |coordinate: f64| (coordinate / close).floor() as i64;
        let (column, row) = (cell(glyph.start.x), cell(glyph.start.y));
        let mut key = (glyph.text.clone(), 0, 0);
        for (columns, rows) in [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
        {
            key.1 = column.saturating_add(columns);
            key.2 = row.saturating_add(rows);
            if self.drawn.get(&key).is_some_and(|drawn| drawn.distance(glyph.start) < close) {
                return true;
            }
        }
        self.drawn.insert((key.0, column, row), glyph.start);
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
