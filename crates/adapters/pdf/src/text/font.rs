//! Fonts: the characters and the widths of their codes.

use lopdf::{Dictionary, Document, Encoding, Object};

use super::is_limit;
use super::widths::Widths;
use super::{glyphs, widths};

/// The limit, in bytes, of a font's unpacked table of characters.
const TABLE_BYTES: usize = 8 * 1024 * 1024;
/// Widths of glyphs are in thousandths of the font size.
const THOUSANDTH: f64 = 0.001;
/// The code to which word spacing is added, in fonts with one-byte codes.
const SPACE: u32 = 32;

/// A font as content uses it.
pub(super) struct Font<'a> {
    characters: Characters<'a>,
    widths: Widths,
    unit: f64,
}

enum Characters<'a> {
    /// One byte is one code: the characters of each of the 256 codes.
    Simple(Vec<String>),
    /// Two bytes are one code, with rare exceptions; `None` if the characters of the codes are unknown.
    Composite(Option<Encoding<'a>>),
}

/// The size of a string.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Extent {
    /// The width of its glyphs, for a font size of 1.
    pub(super) width: f64,
    /// The number of its codes.
    pub(super) codes: u32,
    /// The number of codes to which word spacing is added.
    pub(super) spaces: u32,
}

impl<'a> Font<'a> {
    pub(super) fn read(document: &'a Document, font: &'a Dictionary) -> lopdf::Result<Self> {
        let characters = |characters: lopdf::Result<_>| characters.map(Characters::Simple);
        Ok(match font.get_deref(b"Subtype", document).and_then(Object::as_name).unwrap_or_default() {
            b"Type0" => Self {
                characters: Characters::Composite(composite(document, font)?),
                widths: widths::composite(document, font),
                unit: THOUSANDTH,
            },
            b"Type3" => Self {
                characters: characters(simple(document, font))?,
                widths: widths::simple(document, font),
                unit: widths::type3_unit(document, font).unwrap_or(THOUSANDTH),
            },
            _ => Self {
                characters: characters(simple(document, font))?,
                widths: widths::simple(document, font),
                unit: THOUSANDTH,
            },
        })
    }

    /// The characters of a string.
    pub(super) fn decode(&self, string: &[u8]) -> String {
        match &self.characters {
            Characters::Simple(table) => {
                string.iter().filter_map(|code| table.get(usize::from(*code))).map(String::as_str).collect()
            }
            Characters::Composite(None) => String::new(),
            Characters::Composite(Some(encoding)) => encoding.bytes_to_string(string).unwrap_or_default(),
        }
    }

    pub(super) fn extent(&self, string: &[u8]) -> Extent {
        let bytes_per_code = match &self.characters {
            Characters::Simple(_) => 1,
            Characters::Composite(_) => 2,
        };
        let mut extent = Extent::default();
        for code in string.chunks(bytes_per_code) {
            let code = code.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
            extent.width += self.widths.of(code) * self.unit;
            extent.codes += 1;
            if bytes_per_code == 1 && code == SPACE {
                extent.spaces += 1;
            }
        }
        extent
    }
}

/// The characters of the codes of a simple font: from its own table of characters, else from the names of its glyphs,
/// else from its base encoding.
fn simple(document: &Document, font: &Dictionary) -> lopdf::Result<Vec<String>> {
    let table = to_unicode(document, font)?;
    let encoding = font.get_deref(b"Encoding", document).ok();
    let described = encoding.and_then(|encoding| encoding.as_dict().ok());
    let base = described.map_or(encoding, |described| described.get_deref(b"BaseEncoding", document).ok());
    let mut characters = base_characters(base);
    let differences = described.and_then(|described| described.get_deref(b"Differences", document).ok());
    if let Some(differences) = differences.and_then(|differences| differences.as_array().ok()) {
        apply(differences, &mut characters, document);
    }
    if let Some(table) = table {
        for (code, known) in (0..=u8::MAX).zip(&mut characters) {
            match table.bytes_to_string(&[code]) {
                Ok(text) if !text.contains(char::REPLACEMENT_CHARACTER) => *known = text,
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(characters)
}

/// The characters of the codes in a named encoding; without a name, in the standard encoding.
fn base_characters(name: Option<&Object>) -> Vec<String> {
    let mut font = Dictionary::from_iter([("Type", Object::Name(b"Font".to_vec()))]);
    if let Some(Object::Name(name)) = name {
        font.set("Encoding", Object::Name(name.clone()));
    }
    let document = Document::new();
    let Ok(encoding @ Encoding::OneByteEncoding(_)) = font.get_font_encoding(&document) else {
        return vec![String::new(); usize::from(u8::MAX) + 1];
    };
    (0..=u8::MAX).map(|code| encoding.bytes_to_string(&[code]).unwrap_or_default()).collect()
}

/// Applies a list of differences to an encoding: a code, followed by the names of its glyph and of those after it.
fn apply(differences: &[Object], characters: &mut [String], document: &Document) {
    let mut code = 0;
    for entry in differences {
        match document.dereference(entry) {
            Ok((_, Object::Integer(next))) => code = usize::try_from(*next).unwrap_or(usize::MAX),
            Ok((_, Object::Name(glyph))) => {
                if let Some(known) = characters.get_mut(code) {
                    *known = glyphs::characters(glyph).unwrap_or_default();
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
}

/// The characters of the codes of a composite font, if they are known.
fn composite<'a>(document: &'a Document, font: &'a Dictionary) -> lopdf::Result<Option<Encoding<'a>>> {
    if let Some(table) = to_unicode(document, font)? {
        return Ok(Some(table));
    }
    // The library takes an unknown encoding for one with one-byte codes.
    let encoding = font.get_font_encoding_with_limit(document, TABLE_BYTES)?;
    Ok(matches!(encoding, Encoding::SimpleEncoding(_)).then_some(encoding))
}

/// A font's own table of characters, if it has one that can be read.
fn to_unicode<'a>(document: &Document, font: &Dictionary) -> lopdf::Result<Option<Encoding<'a>>> {
    let Ok(table) = font.get(b"ToUnicode") else { return Ok(None) };
    // The library prefers the font's named encoding, so it gets a copy of the font without one.
    let font =
        Dictionary::from_iter([("Type", Object::Name(b"Font".to_vec())), ("ToUnicode", table.clone())]);
    match font.get_font_encoding_with_limit(document, TABLE_BYTES) {
        Ok(Encoding::UnicodeMapEncoding(table)) => Ok(Some(Encoding::UnicodeMapEncoding(table))),
        Err(error) if is_limit(&error) => Err(error),
        Ok(_) | Err(_) => Ok(None),
    }
}
