//! The widths of a font's glyphs by code, in the font's own unit.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Object};

/// The width of a glyph if the font does not give it.
const DEFAULT: f64 = 500.0;
/// The same for Courier.
const DEFAULT_COURIER: f64 = 600.0;
/// The same for a composite font (ISO 32000-1, table 117).
const DEFAULT_COMPOSITE: f64 = 1000.0;

/// Widths by code.
#[derive(Debug)]
pub(super) struct Widths {
    /// Ranges of codes with the same width: by the first code, the last one and the width.
    ranges: BTreeMap<u32, (u32, f64)>,
    other: f64,
}

impl Widths {
    pub(super) fn of(&self, code: u32) -> f64 {
        let range = self.ranges.range(..=code).next_back();
        range.filter(|(_, (last, _))| code <= *last).map_or(self.other, |(_, (_, width))| *width)
    }

    fn insert_each(&mut self, first: u32, widths: &[Object], document: &Document) {
        for (code, width) in (first..=u32::MAX).zip(widths) {
            if let Some(width) = number(document, width) {
                self.ranges.insert(code, (code, width));
            }
        }
    }
}

/// The widths of a font with one-byte codes.
pub(super) fn simple(document: &Document, font: &Dictionary) -> Widths {
    let name = font.get_deref(b"BaseFont", document).and_then(Object::as_name).unwrap_or_default();
    let is_courier = name.windows(7).any(|part| part == b"Courier");
    let default = if is_courier { DEFAULT_COURIER } else { DEFAULT };
    let descriptor = font.get_deref(b"FontDescriptor", document).and_then(Object::as_dict).ok();
    let missing = descriptor.and_then(|descriptor| descriptor.get(b"MissingWidth").ok());
    let missing = missing.and_then(|missing| number(document, missing)).filter(|missing| *missing > 0.0);
    let mut widths = Widths { ranges: BTreeMap::new(), other: missing.unwrap_or(default) };
    let first = font.get_deref(b"FirstChar", document).and_then(Object::as_i64).unwrap_or_default();
    if let (Ok(first), Ok(each)) =
        (u32::try_from(first), font.get_deref(b"Widths", document).and_then(Object::as_array))
    {
        widths.insert_each(first, each, document);
    }
    widths
}

/// The widths of a composite font. Codes are taken for the numbers of glyphs, as they nearly always are.
pub(super) fn composite(document: &Document, font: &Dictionary) -> Widths {
    let mut widths = Widths { ranges: BTreeMap::new(), other: DEFAULT_COMPOSITE };
    let descendants = font.get_deref(b"DescendantFonts", document).and_then(Object::as_array).ok();
    let Some(descendant) = descendants
        .and_then(|descendants| descendants.first())
        .and_then(|descendant| document.dereference(descendant).ok()?.1.as_dict().ok())
    else {
        return widths;
    };
    if let Some(other) = descendant.get(b"DW").ok().and_then(|other| number(document, other)) {
        widths.other = other;
    }
    let listed = descendant.get_deref(b"W", document).and_then(Object::as_array).map(Vec::as_slice);
    let mut listed = listed.unwrap_or_default();
    // An entry is either a first code and a list of widths, or a first code, a last code and one width for all.
    while let [first, second, rest @ ..] = listed {
        let Some(first) = code(document, first) else { break };
        listed = match (document.dereference(second), rest) {
            (Ok((_, Object::Array(each))), _) => {
                widths.insert_each(first, each, document);
                rest
            }
            (Ok(_), [width, rest @ ..]) => {
                if let (Some(last), Some(width)) = (code(document, second), number(document, width)) {
                    widths.ranges.insert(first, (last, width));
                }
                rest
            }
            (Ok(_), []) | (Err(_), _) => break,
        };
    }
    widths
}

/// The unit of a Type 3 font.
pub(super) fn type3_unit(document: &Document, font: &Dictionary) -> Option<f64> {
    let matrix = font.get_deref(b"FontMatrix", document).and_then(Object::as_array).ok()?;
    number(document, matrix.first()?).map(f64::abs).filter(|unit| *unit > 0.0)
}

fn number(document: &Document, object: &Object) -> Option<f64> {
    document.dereference(object).ok()?.1.as_float().ok().map(f64::from)
}

fn code(document: &Document, object: &Object) -> Option<u32> {
    u32::try_from(document.dereference(object).ok()?.1.as_i64().ok()?).ok()
}
