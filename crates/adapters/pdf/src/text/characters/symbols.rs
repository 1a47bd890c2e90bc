//! Fonts of symbols: their codes are no characters, but the codes of a font with this name.

use hayro_font::{FontCache, FontGlyph};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::font::StandardFont;
use hayro_interpret::hayro_syntax::object::dict::keys::BASE_FONT;
use hayro_interpret::hayro_syntax::object::{Dict, Name};

use super::{is_readable, text_of};

/// A font of symbols.
#[derive(Debug, Clone, Copy)]
pub(super) enum Symbols {
    /// One of those that each reader knows.
    Standard(StandardFont),
    Wingdings,
    /// A font whose codes are not known.
    Other,
}

/// The symbols of Wingdings that documents use as bullets, arrows and boxes, as characters that look like them.
const WINGDINGS: [(u8, char); 26] = [
    (0x6c, '●'),
    (0x6d, '❍'),
    (0x6e, '■'),
    (0x6f, '□'),
    (0x70, '□'),
    (0x71, '❑'),
    (0x72, '❒'),
    (0x73, '⬧'),
    (0x74, '⧫'),
    (0x75, '◆'),
    (0x76, '❖'),
    (0x77, '⬥'),
    (0x78, '☒'),
    (0x9f, '•'),
    (0xa1, '○'),
    (0xa7, '▪'),
    (0xa8, '□'),
    (0xd8, '➢'),
    (0xdf, '←'),
    (0xe0, '→'),
    (0xe8, '➔'),
    (0xf0, '⇨'),
    (0xfb, '✗'),
    (0xfc, '✓'),
    (0xfd, '☒'),
    (0xfe, '☑'),
];

impl Symbols {
    /// The symbols of a font, by its name; `None` if it is another one.
    pub(super) fn of(font: &Dict<'_>) -> Option<Self> {
        let name = font.get::<Name<'_>>(BASE_FONT)?;
        // Without the mark of a subset, and without the style.
        let name = name.as_str().rsplit('+').next()?.replace(' ', "");
        let name = name.split([',', '-']).next()?;
        match name {
            "Symbol" | "SymbolMT" | "SymbolPS" | "SymbolStd" => Some(Self::Standard(StandardFont::Symbol)),
            "Wingdings" => Some(Self::Wingdings),
            "Wingdings2" | "Wingdings3" | "Webdings" | "MTExtra" | "Marlett" => Some(Self::Other),
            name => name.contains("Dingbats").then_some(Self::Standard(StandardFont::ZapfDingBats)),
        }
    }

    /// The symbol of a code.
    pub(super) fn text(
        self,
        code: u8,
        cache: &FontCache<'_>,
        settings: &InterpreterSettings,
    ) -> Option<String> {
        match self {
            Self::Standard(font) => {
                let font = cache.standard_font(font, &settings.font_resolver)?;
                let code = u32::from(code);
                match font.glyph(font.map_code(code), code) {
                    FontGlyph::Outline(glyph) => {
                        glyph.as_unicode().map(text_of).filter(|text| is_readable(text))
                    }
                    FontGlyph::Type3(_) => None,
                }
            }
            Self::Wingdings => {
                WINGDINGS.iter().find(|(known, _)| *known == code).map(|(_, symbol)| symbol.to_string())
            }
            Self::Other => None,
        }
    }
}
