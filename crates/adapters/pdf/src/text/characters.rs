//! The characters of glyphs.
//!
//! For each glyph, the first answer of these is taken that can be read:
//!
//! 1. The font's table of characters (`ToUnicode`), or else the name of the glyph in the font's encoding. The
//!    interpreter knows both, and the characters of fonts that are not embedded.
//! 2. What can be read of a broken table of characters.
//! 3. A name that holds the code itself, such as `a65` (see `numbered`), or the code of a bitmap font whose names mean
//!    nothing.
//! 4. Of a composite font, the character collection that its codes are of, by the predefined tables.
//! 5. The embedded font file: its table of characters, or the names of its glyphs.
//! 6. Of a symbol font, the code in the standard font of that name.
//! 7. The code itself, if the font claims that its codes are characters (`/ToUnicode/Identity-H`), or if the
//!    interpreter guesses so.
//!
//! Control characters, unassigned ones and those for private use cannot be read.

mod composite;
mod fonts;
mod numbered;
mod program;
mod simple;
mod symbols;
mod table;

use std::collections::HashMap;

use hayro_interpret::InterpreterSettings;
use hayro_interpret::font::{Glyph, GlyphIdentifier};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::page::Page;

use fonts::Fonts;

pub(super) use composite::predefined;

/// How many glyphs are kept in mind: more than the scripts of most documents have together.
const MOST_KNOWN: usize = 100_000;

/// The characters of the glyphs of a document.
pub(super) struct Characters<'a> {
    fonts: Fonts<'a>,
    /// The text of glyphs that the interpreter does not know, or may have guessed.
    known: HashMap<Key, Option<String>>,
}

/// What the text of a glyph depends on.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    /// The outline of the glyph; a glyph of a Type 3 font has none.
    outline: Option<GlyphIdentifier>,
    code: u32,
    /// The width of a glyph of a Type 3 font, as bits.
    width: u32,
    /// What the interpreter says.
    own: Option<String>,
}

impl<'a> Characters<'a> {
    /// The characters of a document that is interpreted with these settings.
    pub(super) fn new(settings: InterpreterSettings) -> Self {
        Self { fonts: Fonts::new(settings), known: HashMap::new() }
    }

    /// Makes the fonts of a page known, before its glyphs are read.
    pub(super) fn add_page(&mut self, page: &Page<'a>) {
        self.fonts.add_page(page);
    }

    /// The text of a glyph; `None` if it is unknown.
    pub(super) fn of(&mut self, glyph: &Glyph<'_>) -> Option<String> {
        let own = glyph.as_unicode().map(text_of);
        if let Some(own) = own.as_deref().filter(|own| is_readable(own))
            && !self.fonts.may_guess()
        {
            return Some(own.to_owned());
        }
        let key = Key::new(glyph, own);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        let text = self.fonts.text(glyph, key.own.as_deref());
        self.known.insert(key, text.clone());
        text
    }
}

impl Key {
    fn new(glyph: &Glyph<'_>, own: Option<String>) -> Self {
        let (outline, width) = match glyph {
            Glyph::Outline(glyph) => (Some(glyph.identifier()), 0),
            Glyph::Type3(glyph) => (None, glyph.advance_width().map_or(0, f32::to_bits)),
        };
        Self { outline, code: glyph.char_code(), width, own }
    }
}

fn text_of(text: BfString) -> String {
    match text {
        BfString::Char(character) => character.to_string(),
        BfString::String(text) => text,
    }
}

/// Whether a text holds a character that can be read.
fn is_readable(text: &str) -> bool {
    text.chars().any(can_be_read)
}

fn can_be_read(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}' | '\u{f0000}'..)
}
