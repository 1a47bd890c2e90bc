//! Joins glyphs to lines. A page gives the position of each glyph, but no line ends.

use super::direction::{self, Direction};
use super::glyph::Glyph;
use super::hyphens::join_lines;
use super::marks::join_marks;
use super::words;

/// A glyph is on another line from this distance on, in font sizes. Subscripts and superscripts are closer.
const LINE_GAP: f64 = 0.5;
/// How far before the end of the last glyph the next one may begin and still be on the same line, in font sizes.
/// Accents do so.
const STEP_BACK: f64 = 1.0;
/// Two glyphs are on the same line only if the cosine of the angle between them is at least this.
const SAME_DIRECTION: f64 = 0.95;

/// The text of a page with these glyphs, line by line in the order in which they are drawn.
pub(super) fn page_text(glyphs: Vec<Glyph>) -> String {
    let glyphs = join_marks(glyphs);
    let page = Direction::of(glyphs.iter().map(|glyph| glyph.text.as_str()));
    let mut lines = Vec::new();
    for level in glyphs.chunk_by(on_one_level) {
        if level.iter().any(|glyph| direction::has_right_to_left(&glyph.text)) {
            lines.push(right_to_left_line(level, page));
        } else {
            lines.extend(level.chunk_by(continues).map(|line| words::pieces(line.iter()).concat()));
        }
    }
    join_lines(&lines)
}

/// The line of glyphs on one level, some of which are letters from right to left. Producers draw them in any order, so that
/// the order is that of their positions.
fn right_to_left_line(level: &[Glyph], page: Direction) -> String {
    let mut line: Vec<&Glyph> = level.iter().collect();
    if let Some(first) = level.first() {
        line.sort_by(|a, b| first.along(a.start).total_cmp(&first.along(b.start)));
    }
    let texts = || line.iter().map(|glyph| glyph.text.as_str());
    // A line of mostly Latin words is still read from the right in a text that is.
    let direction = if page == Direction::RightToLeft { page } else { Direction::of(texts()) };
    direction::in_order_of_reading(&words::pieces(line.iter().copied()), direction)
}

fn on_one_level(last: &Glyph, next: &Glyph) -> bool {
    last.direction.dot(next.direction) >= SAME_DIRECTION
        && last.rise(next) <= LINE_GAP * last.height.max(next.height)
}

fn continues(last: &Glyph, next: &Glyph) -> bool {
    last.gap(next) >= -STEP_BACK * last.em.max(next.em)
}

#[cfg(test)]
mod tests {
    use super::super::glyph::Glyph;
    use super::page_text;

    /// The text of two glyphs, the second of which begins at this distance from the end of the first.
    fn text(first: &str, right: f64, up: f64, second: &str) -> String {
        page_text(vec![Glyph::at(first, 0.0, 0.0, 50.0), Glyph::at(second, 50.0 + right, up, 50.0)])
    }

    #[test]
    fn a_gap_is_a_space() {
        assert_eq!(text("two", 3.0, 0.0, "words"), "two words");
        assert_eq!(text("two ", 3.0, 0.0, "words"), "two words");
    }

    #[test]
    fn kerning_is_not_a_space() {
        assert_eq!(text("A", -1.2, 0.0, "V"), "AV");
        assert_eq!(text("A", 0.9, 0.0, "V"), "AV");
    }

    #[test]
    fn another_height_is_another_line() {
        assert_eq!(text("two ", -50.0, -12.0, "lines"), "two\nlines");
        assert_eq!(text("right", -90.0, 0.0, "left"), "right\nleft");
    }

    #[test]
    fn subscripts_and_superscripts_stay_on_their_line() {
        assert_eq!(text("x", 0.0, 4.0, "2"), "x2");
        assert_eq!(text("x", 0.0, -2.0, "1"), "x1");
    }

    #[test]
    fn positions_that_are_not_numbers_do_no_harm() {
        assert_eq!(text("a", f64::NAN, f64::INFINITY, "b").replace(['\n', ' '], ""), "ab");
    }

    #[test]
    fn right_to_left_lines_are_read_from_the_right_whatever_the_order_of_drawing() {
        let letters = [("ם", 20.0), ("ו", 25.0), ("ל", 30.0), ("ש", 35.0), ("1", 10.0), ("2", 15.0)];
        let mut glyphs: Vec<Glyph> =
            letters.iter().map(|(letter, x)| Glyph::at(letter, *x, 0.0, 5.0)).collect();
        assert_eq!(page_text(glyphs.clone()), "שלום12");
        glyphs.reverse();
        assert_eq!(page_text(glyphs), "שלום12");
    }
}
