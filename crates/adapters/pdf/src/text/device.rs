//! Takes the glyphs of a page, and nothing else that it draws.

use domain::limits::FILE_TEXT_BYTES;
use hayro_interpret::font::{Glyph as DrawnGlyph, GlyphRun};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

use super::characters::Characters;
use super::layout::{Glyph, page_text};

/// The width of a glyph that has none, in thousandths of the font size.
const DEFAULT_WIDTH: f32 = 500.0;
/// The size of the space in which the library gives positions within a glyph: thousandths of the font size.
const UNITS: f64 = 1000.0;

/// Collects the glyphs of one page in the order in which they are drawn.
pub(super) struct TextDevice<'c, 'a> {
    characters: &'c mut Characters<'a>,
    glyphs: Vec<Glyph>,
    /// The length of the text of `glyphs`, in bytes.
    bytes: usize,
}

impl<'c, 'a> TextDevice<'c, 'a> {
    pub(super) fn new(characters: &'c mut Characters<'a>) -> Self {
        Self { characters, glyphs: Vec::new(), bytes: 0 }
    }

    /// The text of the page.
    pub(super) fn text(self) -> String {
        page_text(&self.glyphs)
    }

    /// Adds what forms show without drawing it.
    pub(super) fn add_values(&mut self, values: Vec<Glyph>) {
        self.glyphs.extend(values);
    }

    fn add(&mut self, glyph: &DrawnGlyph<'_>, transform: Affine) {
        // More is not kept of a document.
        if self.bytes > FILE_TEXT_BYTES {
            return;
        }
        let Some(text) = self.characters.of(glyph) else { return };
        let width = match glyph {
            DrawnGlyph::Outline(outline) => outline.advance_width(),
            DrawnGlyph::Type3(type3) => type3.advance_width(),
        };
        let start = transform * Point::ZERO;
        let end = transform * Point::new(f64::from(width.unwrap_or(DEFAULT_WIDTH)), 0.0);
        let direction = transform * Point::new(UNITS, 0.0) - start;
        let height = (transform * Point::new(0.0, UNITS) - start).hypot();
        let direction =
            if direction.hypot() > 0.0 { direction / direction.hypot() } else { Vec2::new(1.0, 0.0) };
        self.bytes += text.len();
        self.glyphs.push(Glyph { text, start, end, direction, height });
    }
}

impl Device<'_> for TextDevice<'_, '_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.add(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn pop_clip(&mut self) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn pop_transparency_group(&mut self) {}
}
