//! Words and lines. A page says where each run of text stands, and often neither spaces nor ends of lines.

use super::matrix::Point;

/// From which gap on, in heights of the font, two runs are two words.
const WORD_GAP: f64 = 0.15;
/// From which distance on, in heights of the font, a run stands on another line. Indices rise by less.
const LINE_GAP: f64 = 0.5;
/// How far back, in heights of the font, a run may begin and still go on with the line. Accents do so.
const STEP_BACK: f64 = 1.0;
/// How alike two directions are in one line: the cosine between them.
const SAME_DIRECTION: f64 = 0.95;

/// A run of text as it stands on a page.
#[derive(Debug)]
pub(super) struct GlyphRun<'a> {
    pub(super) text: &'a str,
    pub(super) start: Point,
    pub(super) end: Point,
    /// Where it runs to, as a distance of 1.
    pub(super) direction: Point,
    /// The height of its font.
    pub(super) height: f64,
}

/// The text of a page so far.
#[derive(Debug, Default)]
pub(super) struct Layout {
    text: String,
    last: Option<RunEnd>,
}

/// Where the last run ended.
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

    /// Bytes of text so far.
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

    /// What becomes of two runs of height 10: the second one begins so far from where the first one ends.
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
    fn kerning_is_no_space() {
        assert_eq!(text("A", -1.2, 0.0, "V"), "AV\n");
        assert_eq!(text("A", 1.2, 0.0, "V"), "AV\n");
    }

    #[test]
    fn another_height_is_another_line() {
        assert_eq!(text("two ", -50.0, -12.0, "lines"), "two\nlines\n");
        assert_eq!(text("right", -90.0, 0.0, "left"), "right\nleft\n");
    }

    #[test]
    fn an_index_belongs_to_its_line() {
        assert_eq!(text("x", 0.0, 4.0, "2"), "x2\n");
        assert_eq!(text("x", 0.0, -2.0, "1"), "x1\n");
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        assert_eq!(text("a", f64::NAN, f64::INFINITY, "b").replace(['\n', ' '], ""), "ab");
    }
}
