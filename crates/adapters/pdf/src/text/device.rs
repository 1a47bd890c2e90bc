//! Takes the glyphs of a page, and nothing else that it draws.

use domain::limits::FILE_TEXT_BYTES;
use hayro_interpret::font::{Glyph as DrawnGlyph, GlyphRun};
use hayro_interpret::hayro_cmap::WritingMode;
use hayro_interpret::hayro_syntax::object::{Dict, String as PdfString};
use hayro_interpret::kurbo::{Affine, BezPath, Point, Rect, Shape, Vec2};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

use super::characters::Characters;
use super::forms::text_string;
use super::glyph::Glyph;
use super::layout::page_text;
use super::marks::is_found_by_position;
use super::readable::readable;
use super::repeats::{Repeats, goes_back};

/// The size of the space in which the library gives positions within a glyph: thousandths of the font size.
const UNITS: f64 = 1000.0;
/// The width of a glyph that has none, in these units.
const DEFAULT_WIDTH: f32 = 500.0;

/// A glyph is drawn right after another one if it is not farther away than this, in font sizes.
const TOUCHING: f64 = 0.1;

/// Collects the glyphs of one page in the order in which they are drawn.
pub(super) struct TextDevice<'c, 'a> {
    characters: &'c mut Characters<'a>,
    page: Rect,
    glyphs: Vec<Glyph>,
    /// The length of the text of the glyphs, in bytes.
    bytes: usize,
    repeats: Repeats,
    /// Where the glyphs begin that are drawn at once: all of them are a repeat, or none is.
    at_once: usize,
    replaced: Option<Replaced>,
}

/// Content for which the document gives a text of its own (`ActualText`; ISO 32000-1, 14.9.4).
#[derive(Debug)]
struct Replaced {
    text: String,
    glyphs: Vec<Glyph>,
    /// The first and the last glyph, whether their characters are known or not.
    ends: Option<(Glyph, Glyph)>,
    /// How many marked contents have begun in it and not ended.
    depth: usize,
}

impl<'c, 'a> TextDevice<'c, 'a> {
    /// A device for a page of this size.
    pub(super) fn new(characters: &'c mut Characters<'a>, page: Rect) -> Self {
        Self {
            characters,
            page,
            glyphs: Vec::new(),
            bytes: 0,
            repeats: Repeats::default(),
            at_once: 0,
            replaced: None,
        }
    }

    /// The text of the page.
    pub(super) fn text(mut self) -> String {
        // A replacement without an end would take the rest of the page away.
        if let Some(open) = self.replaced.take() {
            self.keep(open.glyphs);
        }
        page_text(self.glyphs)
    }

    /// Adds what forms show without drawing it.
    pub(super) fn add_values(&mut self, values: Vec<Glyph>) {
        for value in values {
            self.keep([Glyph { text: readable(&value.text), ..value }]);
        }
    }

    fn draw(&mut self, drawn: &DrawnGlyph<'_>, transform: Affine, mode: WritingMode) {
        // More is not kept of a document.
        let is_full = self.bytes > FILE_TEXT_BYTES;
        if is_full && self.replaced.is_none() {
            return;
        }
        let glyph = positioned(drawn, transform, mode);
        if !self.is_on_page(&glyph) {
            return;
        }
        if let Some(replaced) = &mut self.replaced {
            replaced.extend_to(&glyph);
        }
        if is_full {
            return;
        }
        let text = self.characters.of(drawn).unwrap_or_default();
        self.bytes += text.len();
        let text = readable(&text);
        if text.is_empty() {
            if drawn.char_code() == 0 && self.replaced.is_none() {
                self.skip(&glyph);
            }
            return;
        }
        let ends = if is_found_by_position(&text) { outline_ends(drawn, transform) } else { None };
        let (start, end) = ends.unwrap_or((glyph.start, glyph.end));
        let glyph = Glyph { text, start, end, ..glyph };
        match &mut self.replaced {
            Some(replaced) => replaced.glyphs.push(glyph),
            None => self.add(glyph),
        }
    }

    /// Whether a glyph can be seen at all; text is hidden outside of a page.
    fn is_on_page(&self, glyph: &Glyph) -> bool {
        let page = self.page;
        let (left, right) = (glyph.start.x.min(glyph.end.x), glyph.start.x.max(glyph.end.x));
        let (bottom, top) = (glyph.start.y.min(glyph.end.y), glyph.start.y.max(glyph.end.y));
        page.area() <= 0.0 || (right >= page.x0 && left <= page.x1 && top >= page.y0 && bottom <= page.y1)
    }

    /// The code 0 without a character is a part of the word around it, not a gap: it stands in text of two bytes a character
    /// that a font of one byte shows.
    fn skip(&mut self, glyph: &Glyph) {
        if let Some(last) = self.glyphs.last_mut()
            && last.rise(glyph) <= TOUCHING * last.height
            && last.gap(glyph).abs() <= TOUCHING * last.em
        {
            last.end = glyph.end;
        }
    }

    /// Adds glyphs that are drawn at once.
    fn keep(&mut self, glyphs: impl IntoIterator<Item = Glyph>) {
        glyphs.into_iter().filter(|glyph| !glyph.text.is_empty()).for_each(|glyph| self.add(glyph));
        self.end_drawing();
    }

    /// Adds a glyph to those that are drawn at once, unless it goes back to where the last one stands.
    fn add(&mut self, glyph: Glyph) {
        let last = self.glyphs.get(self.at_once..).and_then(<[Glyph]>::last);
        if last.is_some_and(|last| goes_back(last, &glyph)) {
            self.end_drawing();
        }
        self.glyphs.push(glyph);
    }

    /// Takes away the glyphs that are drawn at once, if they repeat what was drawn before.
    fn end_drawing(&mut self) {
        if self.glyphs.get(self.at_once..).is_some_and(|drawn| self.repeats.contains(drawn)) {
            self.glyphs.truncate(self.at_once);
        }
        self.at_once = self.glyphs.len();
    }
}

impl Replaced {
    fn extend_to(&mut self, glyph: &Glyph) {
        match &mut self.ends {
            Some((_, last)) => *last = glyph.clone(),
            None => self.ends = Some((glyph.clone(), glyph.clone())),
        }
    }

    /// The replacement, at the position of all glyphs together; `None` if there are none.
    fn glyph(self) -> Option<Glyph> {
        let (first, last) = self.ends?;
        // Words from right to left may be drawn from the right.
        let is_from_right = first.along(last.start) < 0.0 && first.rise(&last) <= TOUCHING * first.height;
        let (start, end) = if is_from_right { (last.start, first.end) } else { (first.start, last.end) };
        Some(Glyph { text: self.text, start, end, ..first })
    }
}

/// A glyph with its position on the page; its text is empty.
fn positioned(drawn: &DrawnGlyph<'_>, transform: Affine, mode: WritingMode) -> Glyph {
    let start = transform * Point::ZERO;
    let right = transform * Point::new(UNITS, 0.0) - start;
    let down = transform * Point::new(0.0, -UNITS) - start;
    let (along, across, width) = match mode {
        WritingMode::Horizontal => {
            let width = match drawn {
                DrawnGlyph::Outline(outline) => outline.advance_width(),
                DrawnGlyph::Type3(type3) => type3.advance_width(),
            };
            (right, down, width.unwrap_or(DEFAULT_WIDTH))
        }
        WritingMode::Vertical => (down, right, 1000.0),
    };
    let em = along.hypot();
    Glyph {
        text: String::new(),
        start,
        end: start + along * (f64::from(width) / UNITS),
        direction: if em > 0.0 { along / em } else { Vec2::new(1.0, 0.0) },
        em,
        height: across.hypot(),
    }
}

/// Where the outline of a glyph begins and ends along its baseline. A combining mark often has no width, and its outline is
/// beside its origin: over a letter that is drawn before or after it.
fn outline_ends(drawn: &DrawnGlyph<'_>, transform: Affine) -> Option<(Point, Point)> {
    let DrawnGlyph::Outline(outline) = drawn else { return None };
    let outline = outline.outline();
    let bounds = outline.bounding_box();
    (!outline.is_empty())
        .then(|| (transform * Point::new(bounds.x0, 0.0), transform * Point::new(bounds.x1, 0.0)))
}

impl Device<'_> for TextDevice<'_, '_> {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.draw(glyph, props.transform * glyph.transform(), run.writing_mode());
        }
        self.end_drawing();
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        if let Some(replaced) = &mut self.replaced {
            replaced.depth += 1;
        } else if self.bytes <= FILE_TEXT_BYTES
            && let Some(text) = properties.and_then(|entries| entries.get::<PdfString<'_>>(b"ActualText"))
        {
            self.bytes += text.len();
            let text = readable(&text_string(&text));
            self.replaced = Some(Replaced { text, glyphs: Vec::new(), ends: None, depth: 0 });
        }
    }

    fn end_marked_content(&mut self) {
        match self.replaced.take() {
            Some(outer) if outer.depth > 0 => {
                self.replaced = Some(Replaced { depth: outer.depth - 1, ..outer });
            }
            Some(replaced) => self.keep(replaced.glyph()),
            None => {}
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn pop_clip(&mut self) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn pop_transparency_group(&mut self) {}
}
