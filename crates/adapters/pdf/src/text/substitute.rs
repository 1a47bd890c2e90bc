//! The font that takes the place of fonts that are not in a document.
//!
//! The interpreter draws their glyphs with a font that it is given, stretched to the widths that the document gives. Its
//! characters and widths come from tables of its own, so that text needs none of the glyphs. The stretching would move the
//! ends of glyphs, and is not done if the glyphs of the font have no width. So this font has a single glyph, of no width.

use std::sync::Arc;

use hayro_interpret::font::FontData;

/// The four tables that a font needs for the widths of its glyphs, in alphabetical order: their name and content.
/// <https://learn.microsoft.com/en-us/typography/opentype/spec/otff>
fn tables() -> [(&'static [u8; 4], Vec<u8>); 4] {
    let mut head = vec![0; 54];
    head.splice(18..20, 1000_u16.to_be_bytes());
    let mut hhea = vec![0; 36];
    hhea.splice(34..36, 1_u16.to_be_bytes());
    let mut maxp = vec![0; 6];
    maxp.splice(.., [0, 0, 0x50, 0, 0, 1]);
    [(b"head", head), (b"hhea", hhea), (b"hmtx", vec![0; 4]), (b"maxp", maxp)]
}

/// The font, as a TrueType file.
pub(super) fn font() -> FontData {
    let tables = tables();
    let mut directory = vec![0, 1, 0, 0, 0, 4, 0, 64, 0, 2, 0, 0];
    let mut content = Vec::new();
    let mut offset: u32 = 12 + 16 * 4;
    for (name, table) in tables {
        let length = u32::try_from(table.len()).unwrap_or_default();
        directory.extend(name);
        // The checksum is not read.
        directory.extend([0; 4]);
        directory.extend(offset.to_be_bytes());
        directory.extend(length.to_be_bytes());
        let padding = table.len().next_multiple_of(4) - table.len();
        content.extend(table);
        content.extend(vec![0; padding]);
        offset += length.next_multiple_of(4);
    }
    directory.extend(content);
    Arc::new(directory)
}

#[cfg(test)]
mod tests {
    use skrifa::{Font, GlyphId};

    use super::font;

    #[test]
    fn the_font_is_read_and_its_glyph_has_no_width() {
        let font = Font::new(font(), 0).unwrap();
        assert_eq!((font.units_per_em(), font.num_glyphs()), (1000, 1));
        assert!(font.glyph_metrics().h_advance(GlyphId::new(0)).abs() < f32::EPSILON);
    }
}
