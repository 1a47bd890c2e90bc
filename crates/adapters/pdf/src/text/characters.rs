//! The characters that a glyph stands for.

use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::BfString;

/// The characters of the glyphs of one document.
#[derive(Debug, Default)]
pub(super) struct Characters {}

impl Characters {
    /// The text of a glyph; `None` if it cannot be known.
    pub(super) fn of(&mut self, glyph: &Glyph<'_>) -> Option<String> {
        let Self {} = self;
        match glyph.as_unicode()? {
            BfString::Char(character) => Some(character.to_string()),
            BfString::String(text) => Some(text),
        }
    }
}
