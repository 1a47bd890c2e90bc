//! Joins glyphs to words and lines. A page gives the position of each glyph, but often neither spaces nor line ends.

use hayro_interpret::kurbo::{Point, Vec2};

/// Two glyphs are of two words from this gap on, in font sizes.
const WORD_GAP: f64 = 0.15;
/// A glyph is on another line from this distance on, in font sizes. Subscripts and superscripts are closer.
const LINE_GAP: f64 = 0.5;
/// How far before the end of the last glyph the next one may begin and still be on the same line, in font sizes.
/// Accents do so.
const STEP_BACK: f64 = 1.0;
/// Two glyphs are on the same line only if the cosine of the angle between them is at least this.
const SAME_DIRECTION: f64 = 0.95;

/// A glyph and its position on the page.
#[derive(Debug)]
pub(super) struct Glyph {
    pub(super) text: String,
    /// Where it begins on its baseline.
    pub(super) start: Point,
    /// Where the next glyph would begin.
    pub(super) end: Point,
    /// The direction of its baseline, as a vector of length 1.
    pub(super) direction: Vec2,
    /// Its font size on the page.
    pub(super) height: f64,
}

enum Gap {
    None,
    Word,
    Line,
}

/// The text of a page with these glyphs, in the order in which they are drawn.
pub(super) fn page_text(glyphs: &[Glyph]) -> String {
    let mut text = String::new();
    let mut last: Option<&Glyph> = None;
    for glyph in glyphs {
        match last.map_or(Gap::None, |last| last.gap(glyph)) {
            Gap::None => {}
            Gap::Word => {
                if !text.ends_with(char::is_whitespace) && !glyph.text.starts_with(char::is_whitespace) {
                    text.push(' ');
                }
            }
            Gap::Line => end_line(&mut text),
        }
        text.push_str(&glyph.text);
        last = Some(glyph);
    }
    end_line(&mut text);
    text
}

fn end_line(text: &mut String) {
    text.truncate(text.trim_end_matches([' ', '\u{a0}', '\t']).len());
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
}

impl Glyph {
    fn gap(&self, next: &Self) -> Gap {
        let distance = next.start - self.end;
        let along = distance.dot(self.direction);
        let across = distance.cross(self.direction);
        let (larger, smaller) = (self.height.max(next.height), self.height.min(next.height));
        let turned = self.direction.dot(next.direction) < SAME_DIRECTION;
        if turned || across.abs() > LINE_GAP * larger || along < -STEP_BACK * larger {
            Gap::Line
        } else if along > WORD_GAP * smaller {
            Gap::Word
        } else {
            Gap::None
        }
    }
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::{Point, Vec2};

    use super::{Glyph, page_text};

    /// The text of two glyphs of height 10, the second of which begins at this distance from the end of the first.
    fn text(first: &str, right: f64, up: f64, second: &str) -> String {
        let (mut x, mut y) = (0.0, 0.0);
        let mut glyphs = Vec::new();
        for (text, right, up) in [(first, 0.0, 0.0), (second, right, up)] {
            let start = Point::new(x + right, y + up);
            let end = Point::new(start.x + 50.0, start.y);
            (x, y) = (end.x, end.y);
            glyphs.push(Glyph {
                text: text.to_owned(),
                start,
                end,
                direction: Vec2::new(1.0, 0.0),
                height: 10.0,
            });
        }
        page_text(&glyphs)
    }

    #[test]
    fn a_gap_is_a_space() {
        assert_eq!(text("two", 3.0, 0.0, "words"), "two words\n");
        assert_eq!(text("two ", 3.0, 0.0, "words"), "two words\n");
    }

    #[test]
    fn kerning_is_not_a_space() {
        assert_eq!(text("A", -1.2, 0.0, "V"), "AV\n");
        assert_eq!(text("A", 1.2, 0.0, "V"), "AV\n");
    }

    #[test]
    fn another_height_is_another_line() {
        assert_eq!(text("two ", -50.0, -12.0, "lines"), "two\nlines\n");
        assert_eq!(text("right", -90.0, 0.0, "left"), "right\nleft\n");
    }

    #[test]
    fn subscripts_and_superscripts_stay_on_their_line() {
        assert_eq!(text("x", 0.0, 4.0, "2"), "x2\n");
        assert_eq!(text("x", 0.0, -2.0, "1"), "x1\n");
    }

    #[test]
    fn positions_that_are_not_numbers_do_no_harm() {
        assert_eq!(text("a", f64::NAN, f64::INFINITY, "b").replace(['\n', ' '], ""), "ab");
    }
}
