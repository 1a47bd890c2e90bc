//! Composite fonts: their codes give numbers in a character collection.

use std::collections::HashMap;
use std::rc::Rc;

use hayro_interpret::font::FontData;
use hayro_interpret::hayro_cmap::{CMap, CMapName, CidFamily, load_embedded};
use hayro_interpret::hayro_syntax::object::dict::keys::{
    CIDSYSTEMINFO, DESCENDANT_FONTS, ENCODING, FONT_DESC, FONT_FILE, FONT_FILE2, FONT_FILE3, ORDERING,
    REGISTRY, TO_UNICODE,
};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Stream, String as Bytes};

use super::program::Program;
use super::table::repaired;
use super::{is_readable, text_of};

/// The predefined tables that were used so far, by name.
#[derive(Default)]
pub(super) struct CMaps(HashMap<Vec<u8>, Option<Rc<CMap>>>);

impl CMaps {
    fn get(&mut self, name: CMapName<'_>) -> Option<Rc<CMap>> {
        let known = self.0.entry(name.to_bytes().to_vec());
        let is_identity = matches!(name, CMapName::IdentityH | CMapName::IdentityV);
        let table = || {
            if is_identity { Some(CMap::identity_h()) } else { CMap::parse(predefined(name)?, predefined) }
        };
        known.or_insert_with(|| table().map(Rc::new)).clone()
    }
}

/// A predefined table of codes. A name that is not known is taken for codes of two bytes: then at least the font's own
/// table of characters is of use.
pub(crate) fn predefined(name: CMapName<'_>) -> Option<&'static [u8]> {
    let known = match name.to_bytes() {
        // These two hold the same codes as the older tables, and differ in the shapes of a few characters.
        b"UniJIS2004-UTF16-H" => CMapName::UniJisUtf16H,
        b"UniJIS2004-UTF16-V" => CMapName::UniJisUtf16V,
        _ => name,
    };
    load_embedded(known).or_else(|| load_embedded(CMapName::IdentityH))
}

/// What a font says about its codes.
pub(super) struct Composite {
    /// From codes to characters, if the interpreter does not read it.
    repaired: Option<CMap>,
    /// From codes to numbers.
    encoding: Option<Rc<CMap>>,
    /// Whether codes are UTF-16.
    is_utf16: bool,
    /// From numbers to characters.
    collection: Option<Rc<CMap>>,
    /// Whether the table of characters is said to be the codes themselves.
    is_identity: bool,
    program: Option<Program>,
}

impl Composite {
    pub(super) fn new(font: &Dict<'_>, file: Option<FontData>, cmaps: &mut CMaps) -> Self {
        let name = font.get::<Name<'_>>(ENCODING);
        let encoding = if let Some(name) = &name {
            cmaps.get(CMapName::from_bytes(name))
        } else {
            let table = font.get::<Stream<'_>>(ENCODING).and_then(|table| table.decoded_data().ok());
            table.and_then(|table| CMap::parse(&table, predefined)).map(Rc::new)
        };
        let descendant =
            font.get::<Array<'_>>(DESCENDANT_FONTS).and_then(|fonts| fonts.iter::<Dict<'_>>().next());
        let descendant = descendant.unwrap_or_default();
        // If the font is not embedded, the file is that of its substitute.
        let file = file.filter(|_| is_embedded(&descendant));
        let program = file.as_ref().and_then(Program::new);
        let families = [
            encoding
                .as_ref()
                .and_then(|cmap| Some(cmap.metadata().character_collection.as_ref()?.family.clone())),
            family(&descendant),
        ];
        let collection = families.iter().flatten().find_map(CidFamily::ucs2_cmap);
        Self {
            repaired: repaired(font),
            is_utf16: name.is_some_and(|name| is_utf16(name.as_str())),
            collection: collection.and_then(|name| cmaps.get(name)),
            is_identity: font.get::<Name<'_>>(TO_UNICODE).is_some_and(|name| name.starts_with(b"Identity")),
            encoding,
            program,
        }
    }

    pub(super) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The text of a code, which draws this glyph of the embedded font.
    pub(super) fn text(&self, code: u32, glyph: Option<u32>) -> Option<String> {
        let repaired = || self.repaired.as_ref()?.lookup_bf_string(code).map(text_of);
        let direct = || self.is_utf16.then(|| utf16(code)).flatten();
        let collected = || self.collection.as_ref()?.lookup_bf_string(self.number(code)?).map(text_of);
        let drawn = || self.program.as_ref()?.text(glyph?);
        let identical = || self.is_identity.then(|| utf16(code)).flatten();
        let answers: [&dyn Fn() -> Option<String>; 5] = [&repaired, &direct, &collected, &drawn, &identical];
        answers.iter().find_map(|answer| answer().filter(|text| is_readable(text)))
    }

    fn number(&self, code: u32) -> Option<u32> {
        let encoding = self.encoding.as_ref()?;
        (1..=4).find_map(|bytes| encoding.lookup_cid_code(code, bytes))
    }
}

/// Whether the codes of a table with this name are UTF-16, or the part of it that is called UCS-2.
fn is_utf16(name: &str) -> bool {
    name.starts_with("Uni") && (name.contains("UCS2") || name.contains("UTF16"))
}

fn is_embedded(descendant: &Dict<'_>) -> bool {
    let descriptor = descendant.get::<Dict<'_>>(FONT_DESC).unwrap_or_default();
    [FONT_FILE, FONT_FILE2, FONT_FILE3].iter().any(|file| descriptor.contains_key(file))
}

/// The character collection of a font by its dictionary.
fn family(descendant: &Dict<'_>) -> Option<CidFamily> {
    let collection = descendant.get::<Dict<'_>>(CIDSYSTEMINFO)?;
    let (registry, ordering) =
        (collection.get::<Bytes<'_>>(REGISTRY)?, collection.get::<Bytes<'_>>(ORDERING)?);
    Some(CidFamily::from_registry_ordering(&registry, &ordering))
}

/// The character of a code of two bytes, or of four.
fn utf16(code: u32) -> Option<String> {
    let [high, low] = [code >> 16, code & 0xffff].map(|unit| u16::try_from(unit).unwrap_or_default());
    let units = if high == 0 { vec![low] } else { vec![high, low] };
    String::from_utf16(&units).ok()
}
