//! Simple fonts: each code is one byte, and names or draws one glyph.

use std::collections::HashMap;
use std::sync::Arc;

use hayro_interpret::font::FontData;
use hayro_interpret::hayro_cmap::CMap;
use hayro_interpret::hayro_syntax::object::dict::keys::{
    DIFFERENCES, ENCODING, FONT_DESC, FONT_FILE, FONT_FILE3, SUBTYPE, TYPE3,
};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::numbered;
use super::program::{Program, named};
use super::table::repaired;
use super::text_of;

/// What a font says about its codes.
pub(super) struct Simple {
    /// From codes to characters, if the interpreter does not read it.
    repaired: Option<CMap>,
    /// The names of glyphs by code.
    names: HashMap<u32, String>,
    /// Whether all names are hexadecimal numbers: the codes before the font was made smaller.
    is_hexadecimal: bool,
    is_type3: bool,
    /// Whether the names mean nothing at all, so that the codes must.
    is_coded: bool,
    program: Option<Program>,
}

impl Simple {
    pub(super) fn new(font: &Dict<'_>, file: Option<FontData>) -> Self {
        let names = names(font);
        let is_type3 = font.get::<Name<'_>>(SUBTYPE).as_deref() == Some(TYPE3);
        Self {
            repaired: repaired(font),
            is_coded: is_type3 && mean_nothing(&names),
            is_hexadecimal: names.values().all(|name| is_hexadecimal(name)),
            names,
            is_type3,
            program: file.or_else(|| embedded(font)).as_ref().and_then(Program::new),
        }
    }

    pub(super) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// The text of a code, which draws this glyph of the embedded font.
    pub(super) fn text(&self, code: u32, glyph: Option<u32>) -> Option<String> {
        let program = self.program.as_ref().zip(glyph);
        let built_in = program.and_then(|(program, glyph)| program.name(glyph));
        let name = self.names.get(&code).or(built_in.as_ref());
        let by_name = name.and_then(|name| {
            let own = numbered::text(name, code);
            let former =
                || self.is_hexadecimal.then(|| numbered::coded(numbered::hexadecimal(name)?)).flatten();
            let ligature = || self.is_type3.then(|| numbered::ligature(name, code)).flatten();
            own.or_else(former).or_else(ligature)
        });
        let repaired = self.repaired.as_ref().and_then(|table| table.lookup_bf_string(code)).map(text_of);
        let coded = || self.is_coded.then(|| numbered::coded(code)).flatten();
        repaired
            .or(by_name)
            .or_else(coded)
            .or_else(|| program.and_then(|(program, glyph)| program.text(glyph)))
    }
}

/// Whether names are made up, such as `BD` and `CB` in bitmap fonts: too short for words, and neither those of characters
/// nor numbers of glyphs.
fn mean_nothing(names: &HashMap<u32, String>) -> bool {
    let mut names = names.values().filter(|name| *name != ".notdef").peekable();
    let is_number = |name: &str| name.trim_start_matches(char::is_alphabetic).parse::<u32>().is_ok();
    names.peek().is_some()
        && names.clone().all(|name| name.len() <= 3 && named(name).is_none())
        && !names.all(|name| is_number(name))
}

fn is_hexadecimal(name: &str) -> bool {
    name == ".notdef" || name.starts_with('G') && numbered::hexadecimal(name).is_some()
}

/// The names that an encoding gives to codes.
fn names(font: &Dict<'_>) -> HashMap<u32, String> {
    let differences =
        font.get::<Dict<'_>>(ENCODING).and_then(|encoding| encoding.get::<Array<'_>>(DIFFERENCES));
    let mut code = 0_u32;
    let mut names = HashMap::new();
    for entry in differences.iter().flat_map(Array::iter::<Object<'_>>) {
        if let Object::Number(number) = entry {
            code = u32::try_from(number.as_i64()).unwrap_or(u32::MAX);
        } else if let Object::Name(name) = entry {
            if u8::try_from(code).is_ok() {
                names.insert(code, name.as_str().to_owned());
            }
            code = code.saturating_add(1);
        }
    }
    names
}

/// The font file of a Type 1 font, which the interpreter does not give.
fn embedded(font: &Dict<'_>) -> Option<FontData> {
    let descriptor = font.get::<Dict<'_>>(FONT_DESC)?;
    let file =
        descriptor.get::<Stream<'_>>(FONT_FILE3).or_else(|| descriptor.get::<Stream<'_>>(FONT_FILE))?;
    Some(Arc::new(file.decoded_data().ok()?.into_owned()))
}
