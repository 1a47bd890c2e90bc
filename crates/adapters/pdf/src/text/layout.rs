//! Joins runs of text to words and lines. A page gives the position of each run, but often neither spaces nor line
//! ends.

use super::matrix::Point;

/// Two runs are two words from this gap on, in font sizes.
const WORD_GAP: f64 = 0.15;
/// A run is on another line from this distance on, in font sizes. Subscripts and superscripts are closer.
const LINE_GAP: f64 = 0.5;
/// How far before the end of the last run the next one may begin and still be on the same line, in font sizes.
/// Accents do so.
const STEP_BACK: f64 = 1.0;
/// Two runs are on the same line only if the cosine of the angle between them is at least this.
const SAME_DIRECTION: f64 = 0.95;

/// A run of text and its position on the page.
#[derive(Debug)]
pub(super) struct GlyphRun<'a> {
    pub(super) text: &'a str,
    pub(super) start: Point,
    pub(super) end: Point,
    /// Its direction, as a vector of length 1.
    pub(super) direction: Point,
    /// Its font size on the page.
    pub(super) height: f64,
}

/// The text of a page so far.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    last: Option<RunEnd>,
}

/// The end of the last run.
#[derive(Debug)]
struct RunEnd {
    end: Point,
    direction: Point,
    height: f64,
}

enum Gap {
    None,
    Word,
    Line,
}

impl Layout {
    pub(super) fn add(&mut self, run: &GlyphRun<'_>) {
        if run.text.is_empty() {
            return;
        }
        match self.last.as_ref().map_or(Gap::None, |last| last.gap(run)) {
            Gap::None => {}
            Gap::Word => {
                if !self.text.ends_with(char::is_whitespace) && !run.text.starts_with(char::is_whitespace) {
                    self.text.push(' ');
                }
            }
            Gap::Line => self.end_line(),
        }
        self.text.push_str(run.text);
        self.last = Some(RunEnd { end: run.end, direction: run.direction, height: run.height });
    }

    /// The length of the text so far, in bytes.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(mut self) -> String {
        self.end_line();
        self.text
    }

    fn end_line(&mut self) {
        let line = self.text.trim_end_matches([' ', '\u{a0}', '\t']).len();
        self.text.truncate(line);
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

impl RunEnd {
    fn gap(&self, next: &GlyphRun<'_>) -> Gap {
        let distance = next.start.minus(self.end);
        let along = distance.dot(self.direction);
        let across = distance.left_of(self.direction);
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
    use super::{GlyphRun, Layout};
    use crate::text::matrix::Point;

    /// The text of two runs of height 10, the second of which begins at this distance from the end of the first.
    fn text(first: &str, right: f64, up: f64, second: &str) -> String {
        let mut layout = Layout::default();
        let mut x = 0.0;
        let mut y = 0.0;
        for (text, right, up) in [(first, 0.0, 0.0), (second, right, up)] {
            let start = Point { x: x + right, y: y + up };
            let end = Point { x: start.x + 50.0, ..start };
            (x, y) = (end.x, end.y);
            layout.add(&GlyphRun { text, start, end, direction: Point { x: 1.0, y: 0.0 }, height: 10.0 });
        }
        layout.finish()
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
