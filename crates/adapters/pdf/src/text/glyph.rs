//! A glyph on a page.

use hayro_interpret::kurbo::{Point, Vec2};

/// A glyph and its position, in the space of the page.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    /// The characters that it stands for.
    pub(super) text: String,
    /// Where it begins on its baseline.
    pub(super) start: Point,
    /// Where the next glyph begins if nothing moves it.
    pub(super) end: Point,
    /// The direction of its baseline, as a vector of length 1.
    pub(super) direction: Vec2,
    /// The font size along the baseline; text can be condensed or expanded.
    pub(super) em: f64,
    /// The font size across the baseline.
    pub(super) height: f64,
}

impl Glyph {
    /// Whether it shows nothing: a space.
    pub(super) fn is_blank(&self) -> bool {
        self.text.chars().all(char::is_whitespace)
    }

    /// The distance to the next glyph along the baseline; negative if they overlap.
    pub(super) fn gap(&self, next: &Self) -> f64 {
        (next.start - self.end).dot(self.direction)
    }

    /// The distance to the baseline of another glyph.
    pub(super) fn rise(&self, other: &Self) -> f64 {
        (other.start - self.end).cross(self.direction).abs()
    }

    /// How far a point is from the start of this glyph, along its baseline.
    pub(super) fn along(&self, point: Point) -> f64 {
        (point - self.start).dot(self.direction)
    }

    pub(super) fn width(&self) -> f64 {
        self.along(self.end)
    }

    pub(super) fn middle(&self) -> Point {
        self.start.midpoint(self.end)
    }
}

#[cfg(test)]
impl Glyph {
    /// A glyph of font size 10 on a level baseline.
    pub(super) fn at(text: &str, x: f64, y: f64, width: f64) -> Self {
        Self {
            text: text.to_owned(),
            start: Point::new(x, y),
            end: Point::new(x + width, y),
            direction: Vec2::new(1.0, 0.0),
            em: 10.0,
            height: 10.0,
        }
    }
}
