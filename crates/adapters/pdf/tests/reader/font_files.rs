//! Builds tiny font files, whose glyphs are empty or a square.

/// A table of characters: its platform and encoding, and pairs of code and glyph.
pub(crate) type Table<'a> = (u16, u16, &'a [(u16, u16)]);

/// A TrueType font with this number of glyphs and these tables of characters.
pub(crate) fn true_type(glyphs: u16, tables: &[Table<'_>]) -> Vec<u8> {
    // The magic number, and units per em.
    let head = [&[0; 12][..], &[0x5f, 0x0f, 0x3c, 0xf5, 0, 0], &words(&[1000]), &[0; 34]].concat();
    let hhea = [vec![0; 34], words(&[1])].concat();
    let mut hmtx = words(&[1000, 0]);
    hmtx.extend(vec![0; 2 * (usize::from(glyphs) - 1)]);
    let maxp = [&[0, 1, 0, 0][..], &glyphs.to_be_bytes(), &[0; 26]].concat();
    let tables = [
        ("cmap", character_map(tables)),
        ("glyf", vec![0; 4]),
        ("head", head),
        ("hhea", hhea),
        ("hmtx", hmtx),
        ("loca", vec![0; 2 * (usize::from(glyphs) + 1)]),
        ("maxp", maxp),
    ];
    let mut font = [&[0, 1, 0, 0][..], &words(&[7, 0, 0, 0])].concat();
    let mut offset = font.len() + 16 * tables.len();
    for (name, table) in &tables {
        font.extend(name.as_bytes());
        font.extend([0; 4]);
        font.extend(u32::try_from(offset).unwrap().to_be_bytes());
        font.extend(u32::try_from(table.len()).unwrap().to_be_bytes());
        offset += table.len();
    }
    for (_, table) in tables {
        font.extend(table);
    }
    font
}

fn character_map(tables: &[Table<'_>]) -> Vec<u8> {
    let mut map = words(&[0, u16::try_from(tables.len()).unwrap()]);
    let mut subtables = Vec::new();
    for (platform, encoding, pairs) in tables {
        map.extend(words(&[*platform, *encoding]));
        let offset = 4 + 8 * tables.len() + subtables.len();
        map.extend(u32::try_from(offset).unwrap().to_be_bytes());
        // Format 4: a segment for each code, and the last one that it needs.
        let count = u16::try_from(pairs.len() + 1).unwrap();
        let codes: Vec<u16> = pairs.iter().map(|(code, _)| *code).chain([0xffff]).collect();
        let differences: Vec<u16> =
            pairs.iter().map(|(code, glyph)| glyph.wrapping_sub(*code)).chain([1]).collect();
        subtables.extend(words(&[4, 16 + 8 * count, 0, 2 * count, 0, 0, 0]));
        subtables.extend(words(&codes));
        subtables.extend(words(&[0]));
        subtables.extend(words(&codes));
        subtables.extend(words(&differences));
        subtables.extend(words(&vec![0; usize::from(count)]));
    }
    map.extend(subtables);
    map
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A CFF font with these empty glyphs: the code of each in the font's own encoding, and its name.
pub(crate) fn cff(glyphs: &[(u8, &str)]) -> Vec<u8> {
    let glyphs: Vec<_> = glyphs.iter().map(|(code, name)| (*code, *name, None)).collect();
    cff_with_squares(&glyphs)
}

/// The same, with a square of 100 units at this distance from the origin of a glyph.
pub(crate) fn cff_with_squares(glyphs: &[(u8, &str, Option<i16>)]) -> Vec<u8> {
    // The names come after the 391 standard ones.
    let names: Vec<u16> = (0..glyphs.len()).map(|name| 391 + u16::try_from(name).unwrap()).collect();
    let charset = [&[0][..], &words(&names)].concat();
    let codes: Vec<u8> = glyphs.iter().map(|(code, ..)| *code).collect();
    let encoding = [&[0, u8::try_from(codes.len()).unwrap()][..], &codes].concat();
    let programs: Vec<Vec<u8>> =
        [None].into_iter().chain(glyphs.iter().map(|glyph| glyph.2)).map(program).collect();
    let programs = index(&programs.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let strings = index(&glyphs.iter().map(|(_, name, _)| name.as_bytes()).collect::<Vec<_>>());
    let before = [&[1, 0, 4, 4][..], &index(&[b"Tiny"])].concat();
    let after = [strings, index(&[])].concat();
    let dictionary = |start: usize| {
        let places = [(start, 15), (start + charset.len(), 16), (start + charset.len() + encoding.len(), 17)];
        let mut dictionary = Vec::new();
        for (place, operator) in places {
            dictionary.push(29);
            dictionary.extend(u32::try_from(place).unwrap().to_be_bytes());
            dictionary.push(operator);
        }
        // The private dictionary is empty.
        dictionary.extend([139, 139, 18]);
        index(&[&dictionary])
    };
    let start = before.len() + dictionary(0).len() + after.len();
    [before, dictionary(start), after, charset, encoding, programs].concat()
}

/// The program of a glyph (Adobe technical note 5177): `x 0 rmoveto 100 hlineto 100 vlineto -100 hlineto endchar`.
fn program(square: Option<i16>) -> Vec<u8> {
    let [high, low] = square.unwrap_or_default().to_be_bytes();
    let outline = [28, high, low, 139, 21, 239, 6, 239, 7, 39, 6];
    [square.map_or(&[][..], |_| &outline), &[14]].concat()
}

/// An index of CFF.
fn index(entries: &[&[u8]]) -> Vec<u8> {
    let mut index = words(&[u16::try_from(entries.len()).unwrap()]);
    if entries.is_empty() {
        return index;
    }
    index.push(2);
    let mut end = 1;
    index.extend(words(&[end]));
    for entry in entries {
        end += u16::try_from(entry.len()).unwrap();
        index.extend(words(&[end]));
    }
    index.extend(entries.concat());
    index
}
