//! What an embedded font file says about its glyphs.

use std::collections::HashMap;

use hayro_interpret::font::FontData;
use skrifa::raw::model::charmap::EncodingKind;
use skrifa::raw::ps::agl;
use skrifa::{Font, GlyphId};

use super::{can_be_read, is_readable};

/// How many codes of a font are read: as many as Unicode has. A broken table may repeat itself.
const MOST_CODES: usize = 0x11_0000;

/// An embedded font file.
pub(super) struct Program {
    font: Font,
    /// The character of each glyph by the `cmap` table of the font.
    characters: HashMap<u32, char>,
    /// The code of each glyph of a symbol font.
    symbols: HashMap<u32, u8>,
}

impl Program {
    pub(super) fn new(data: &FontData) -> Option<Self> {
        let font = Font::new(data.clone(), 0)?;
        let (characters, symbols) = (characters(&font), symbols(&font));
        Some(Self { font, characters, symbols })
    }

    /// The text of a glyph by the table of characters, or else by the glyph's name.
    pub(super) fn text(&self, glyph: u32) -> Option<String> {
        let character = self.characters.get(&glyph).map(char::to_string);
        character.or_else(|| named(&self.name(glyph)?))
    }

    /// The name of a glyph, if the font holds names.
    pub(super) fn name(&self, glyph: u32) -> Option<String> {
        let name = self.font.glyph_name(GlyphId::new(glyph)).filter(|name| !name.is_synthesized())?;
        Some(name.as_str().to_owned())
    }

    /// The code of a glyph of a symbol font.
    pub(super) fn symbol(&self, glyph: u32) -> Option<u8> {
        self.symbols.get(&glyph).copied()
    }
}

/// The text of a glyph with this name by the Adobe Glyph List.
pub(super) fn named(name: &str) -> Option<String> {
    // The list holds the names of ZapfDingbats too. Many other fonts number their glyphs in the same way.
    let is_number =
        name.strip_prefix('a').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    let text: String = if is_number { String::new() } else { agl::name_to_chars(name).collect() };
    is_readable(&text).then_some(text)
}

/// Turns the tables of characters around: from glyph to character.
fn characters(font: &Font) -> HashMap<u32, char> {
    let charmap = font.charmap();
    // Other files than TrueType and OpenType have a table that is made of names. They are looked up one by one instead.
    let tables = charmap.encodings().filter(|encoding| encoding.sfnt_ids().is_some());
    let tables = tables.filter(|encoding| encoding.kind() == EncodingKind::Unicode);
    let characters = by_glyph(tables.flat_map(|encoding| charmap.codes(encoding)));
    // The codes of a symbol table are no characters. Those of a Mac table are given as characters.
    let is_mac = characters.is_empty() && charmap.unicode_is_mac_roman();
    if is_mac { by_glyph(charmap.unicodes()) } else { characters }
}

fn by_glyph(codes: impl Iterator<Item = (u32, GlyphId)>) -> HashMap<u32, char> {
    let mut characters = HashMap::new();
    for (code, glyph) in codes.take(MOST_CODES) {
        let Some(character) = char::from_u32(code).filter(|character| can_be_read(*character)) else {
            continue;
        };
        let known = characters.entry(glyph.to_u32()).or_insert(character);
        if rank(character) < rank(*known) {
            *known = character;
        }
    }
    characters
}

/// The codes of a symbol font, which are in an area for private use or are bytes: from glyph to code.
fn symbols(font: &Font) -> HashMap<u32, u8> {
    let charmap = font.charmap();
    let tables = charmap.encodings().filter(|encoding| encoding.kind() == EncodingKind::MsSymbol);
    let codes = tables.flat_map(|encoding| charmap.codes(encoding)).take(MOST_CODES);
    codes.filter_map(|(code, glyph)| Some((glyph.to_u32(), moved_byte(code)?))).collect()
}

/// The byte of a code that is a byte, or a byte moved to the area for private use.
pub(super) fn moved_byte(code: u32) -> Option<u8> {
    u8::try_from(if (0xf000..=0xf0ff).contains(&code) { code - 0xf000 } else { code }).ok()
}

/// Orders the characters that share a glyph: the one to be read comes first.
fn rank(character: char) -> (u8, char) {
    let class = match character {
        // Radicals, compatibility ideographs and presentation forms look like the ordinary characters.
        '\u{2e80}'..='\u{2fdf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fb00}'..='\u{fdff}'
        | '\u{fe30}'..='\u{feff}' => 2,
        // So do the no-break space and the soft hyphen.
        '\u{a0}' | '\u{ad}' => 1,
        _ => 0,
    };
    (class, character)
}
