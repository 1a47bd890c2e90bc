//! The values of form fields that have no appearance.
//!
//! A field with an appearance is drawn like anything else on its page. A program that fills in a form may leave the
//! appearance to the reader and store the value alone. Such values are placed on the page as the field would show
//! them; so is the text of a comment that is written on the page (`FreeText`).

use std::collections::HashMap;

use domain::limits::FILE_TEXT_BYTES;
use hayro_interpret::hayro_syntax::content::TypedIter;
use hayro_interpret::hayro_syntax::content::ops::TypedInstruction;
use hayro_interpret::hayro_syntax::object::dict::keys::{
    ANNOTS, AP, AS, CONTENTS, F, N, RECT, SUBTYPE, WIDGET,
};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, Rect, Stream};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, Point};

use super::glyph::Glyph;

/// The flags of annotations that are not shown: hidden, and not viewed.
const NOT_SHOWN: u32 = 1 << 1 | 1 << 5;
/// The flag of a text field for a password.
const PASSWORD: i64 = 1 << 13;
/// The flag of a button that has no value.
const PUSH_BUTTON: i64 = 1 << 16;
/// How many fields may be within each other.
const DEPTH: usize = 32;
/// The size of text whose field does not tell it, unless the field is lower.
const FONT_SIZE: f64 = 12.0;
/// Larger sizes are not believed.
const MOST_FONT_SIZE: f64 = 1000.0;
/// The distance of two lines, and the width of a character, in font sizes: rough, as no font is known.
const LEADING: f64 = 1.2;
const WIDTH: f64 = 0.5;
/// What a box shows that is checked.
const CHECK_MARK: &str = "✔";

/// The values on a page that are not drawn, line by line. `transform` is that of the page.
pub(super) fn values(page: &Page<'_>, transform: Affine) -> Vec<Glyph> {
    let mut lines = Vec::new();
    let mut bytes = 0;
    for annotation in page.raw().get::<Array<'_>>(ANNOTS).iter().flat_map(Array::iter::<Dict<'_>>) {
        if annotation.get::<u32>(F).unwrap_or(0) & NOT_SHOWN != 0 {
            continue;
        }
        let Some(rect) = annotation.get::<Rect>(RECT) else { continue };
        let Some(value) = value(&annotation) else { continue };
        bytes += value.len();
        // More is not kept of a document.
        if bytes > FILE_TEXT_BYTES {
            break;
        }
        if is_drawn(&annotation) {
            continue;
        }
        let place = Place { rect, font_size: font_size(&annotation), transform };
        lines.extend(place.lines(&value));
    }
    lines
}

/// The text that an annotation shows.
fn value(annotation: &Dict<'_>) -> Option<String> {
    match annotation.get::<Name<'_>>(SUBTYPE).as_deref() {
        Some(WIDGET) => field_value(annotation),
        Some(b"FreeText") => text_value(annotation.get::<Object<'_>>(CONTENTS)?),
        _ => None,
    }
}

fn field_value(field: &Dict<'_>) -> Option<String> {
    let flags = inherited(field, "Ff").and_then(Object::into_number).map_or(0, |flags| flags.as_i64());
    match inherited(field, "FT").and_then(Object::into_name)?.as_ref() {
        b"Tx" if flags & PASSWORD == 0 => text_value(inherited(field, "V")?),
        b"Ch" => {
            let value = inherited(field, "V")?;
            let chosen = match value.clone().into_array() {
                Some(several) => several.iter::<Object<'_>>().filter_map(text_value).collect(),
                None => vec![text_value(value)?],
            };
            let options = inherited(field, "Opt").and_then(Object::into_array);
            let shown = options.map(|options| shown(&options)).unwrap_or_default();
            let lines: Vec<String> =
                chosen.into_iter().map(|value| shown.get(&value).cloned().unwrap_or(value)).collect();
            Some(lines.join("\n"))
        }
        b"Btn" if flags & PUSH_BUTTON == 0 => {
            let state = field.get::<Name<'_>>(AS)?;
            (state.as_ref() != b"Off").then(|| CHECK_MARK.to_owned())
        }
        _ => None,
    }
}

/// What is shown of choices, by their values: an option may be a pair of both.
fn shown(options: &Array<'_>) -> HashMap<String, String> {
    let pairs = options.iter::<Array<'_>>();
    let texts = pairs.map(|pair| pair.iter::<Object<'_>>().filter_map(text_value).collect::<Vec<_>>());
    texts.filter_map(|pair| <[String; 2]>::try_from(pair).ok()).map(|[value, shown]| (value, shown)).collect()
}

/// An entry of a field, or of one that it is part of.
fn inherited<'a>(field: &Dict<'a>, key: &str) -> Option<Object<'a>> {
    let mut field = field.clone();
    for _ in 0..DEPTH {
        if let Some(entry) = field.get::<Object<'_>>(key) {
            return Some(entry);
        }
        field = field.get::<Dict<'_>>("Parent")?;
    }
    None
}

fn text_value(value: Object<'_>) -> Option<String> {
    let text = if let Object::String(text) = value {
        text_string(&text)
    } else if let Object::Name(name) = value {
        text_string(&name)
    } else {
        text_string(&value.into_stream()?.decoded_data().ok()?)
    };
    (!text.trim().is_empty()).then_some(text)
}

/// Whether the interpreter draws what an annotation shows, as text. Programs that leave the appearance of a text to the
/// reader may give it an empty one; the mark of a box may be lines.
fn is_drawn(annotation: &Dict<'_>) -> bool {
    let Some(appearance) = annotation.get::<Dict<'_>>(AP) else { return false };
    let state = || {
        let states = appearance.get::<Dict<'_>>(N)?;
        states.get::<Stream<'_>>(annotation.get::<Name<'_>>(AS)?)
    };
    appearance.get::<Stream<'_>>(N).or_else(state).is_some_and(|appearance| draws_text(&appearance))
}

fn draws_text(appearance: &Stream<'_>) -> bool {
    let content = appearance.decoded_data().unwrap_or_default();
    let mut instructions = TypedIter::new(&content);
    while let Some(instruction) = instructions.next() {
        if matches!(
            instruction,
            TypedInstruction::ShowText(_)
                | TypedInstruction::ShowTexts(_)
                | TypedInstruction::NextLineAndShowText(_)
                | TypedInstruction::ShowTextWithParameters(_)
                | TypedInstruction::XObject(_)
        ) {
            return true;
        }
    }
    false
}

/// The font size of a field by its default appearance, such as `/Helv 12 Tf 0 g`; 0 means a size that fits.
fn font_size(field: &Dict<'_>) -> Option<f64> {
    let appearance = text_value(inherited(field, "DA")?)?;
    let (before, _) = appearance.split_once("Tf")?;
    before.split_whitespace().last()?.parse().ok().filter(|size| *size > 0.0 && *size < MOST_FONT_SIZE)
}

/// Where a value is shown.
struct Place {
    rect: Rect,
    font_size: Option<f64>,
    transform: Affine,
}

impl Place {
    /// The lines of a value: a single one in the middle of its field, several from the top on.
    fn lines(&self, value: &str) -> Vec<Glyph> {
        let Self { rect, transform, .. } = self;
        let size = self.font_size.unwrap_or(FONT_SIZE).min(rect.height().max(1.0));
        let lines: Vec<&str> = value.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).collect();
        let first = match lines.len() {
            1 => f64::midpoint(rect.y0, rect.y1) - size / 3.0,
            _ => rect.y1 - size,
        };
        let origin = *transform * Point::ZERO;
        let [right, up] = [(size, 0.0), (0.0, size)].map(|to| *transform * Point::from(to) - origin);
        let mut baseline = first;
        let mut glyphs = Vec::new();
        for line in lines {
            let start = *transform * Point::new(rect.x0, baseline);
            let characters = u32::try_from(line.chars().count()).unwrap_or(u32::MAX);
            let width = WIDTH * f64::from(characters);
            glyphs.push(Glyph {
                text: line.to_owned(),
                start,
                end: start + right * width.min(rect.width() / size),
                direction: right.normalize(),
                em: right.hypot(),
                height: up.hypot(),
            });
            baseline -= LEADING * size;
        }
        glyphs
    }
}

/// A text string: UTF-16 or UTF-8 with a mark at its start, or else in the encoding of PDF.
pub(super) fn text_string(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, text @ ..] => utf16(text, u16::from_be_bytes),
        // Not allowed, and seen all the same.
        [0xff, 0xfe, text @ ..] => utf16(text, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8_lossy(text).into_owned(),
        text => text.iter().map(|byte| character(*byte)).collect(),
    }
}

fn utf16(text: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let (units, _) = text.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|bytes| unit(*bytes)).collect();
    String::from_utf16_lossy(&units)
}

/// A character of `PDFDocEncoding` (ISO 32000-1, annex D.2): that of Latin-1 but for these.
fn character(byte: u8) -> char {
    const ACCENTS: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const OTHERS: [char; 33] = [
        '•',
        '†',
        '‡',
        '…',
        '—',
        '–',
        'ƒ',
        '⁄',
        '‹',
        '›',
        '−',
        '‰',
        '„',
        '“',
        '”',
        '‘',
        '’',
        '‚',
        '™',
        'ﬁ',
        'ﬂ',
        'Ł',
        'Œ',
        'Š',
        'Ÿ',
        'Ž',
        'ı',
        'ł',
        'œ',
        'š',
        'ž',
        char::REPLACEMENT_CHARACTER,
        '€',
    ];
    let found = match byte {
        0x18..=0x1f => ACCENTS.get(usize::from(byte - 0x18)),
        0x80..=0xa0 => OTHERS.get(usize::from(byte - 0x80)),
        _ => None,
    };
    found.copied().unwrap_or(byte.into())
}

#[cfg(test)]
mod tests {
    use super::text_string;

    #[test]
    fn text_strings_have_three_encodings() {
        assert_eq!(text_string(b"caf\xe9 \x83 5 \xa0 \x18\x1f"), "café … 5 € ˘˜");
        assert_eq!(text_string(b"\xfe\xff\x65\xe5\xd8\x3d\xde\x00\x00"), "日😀");
        assert_eq!(text_string(b"\xff\xfe\xe5\x65"), "日");
        assert_eq!(text_string("\u{feff}日".as_bytes()), "日");
    }
}
