//! The font dictionaries of a document.
//!
//! The interpreter tells the code of a glyph, but not which font dictionary it belongs to. So this collects the
//! dictionaries that a page can use, and finds the one by which the same code gives the same glyph of the same file.

use std::cell::OnceCell;
use std::collections::HashSet;

use hayro_font::{Font, FontCache, FontGlyph};
use hayro_interpret::InterpreterSettings;
use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_syntax::object::dict::keys::{
    ANNOTS, AP, DIFFERENCES, ENCODING, FONT, FONT_DESC, N, PATTERN, RESOURCES, SUBTYPE, TO_UNICODE,
    TRUE_TYPE, TYPE0, XOBJECT,
};
use hayro_interpret::hayro_syntax::object::{Array, Dict, Name, Object, Stream};
use hayro_interpret::hayro_syntax::page::Page;

use super::composite::{CMaps, Composite};
use super::is_readable;
use super::program::{Program, moved_byte};
use super::simple::Simple;
use super::symbols::Symbols;

/// How many font dictionaries are kept. A search looks at all of them in the worst case.
const MOST_FONTS: usize = 4096;

/// The font dictionaries that were found so far.
pub(super) struct Fonts<'a> {
    found: Vec<Entry<'a>>,
    /// The dictionaries that were visited, by their position in the document.
    visited: HashSet<(*const u8, usize)>,
    cache: FontCache<'a>,
    settings: InterpreterSettings,
    cmaps: CMaps,
    /// The entry that was found last: it is probably the next one too.
    last: usize,
    may_guess: bool,
}

struct Entry<'a> {
    dictionary: Dict<'a>,
    is_composite: bool,
    is_guessed: bool,
    symbols: Option<Symbols>,
    font: OnceCell<Option<Font<'a>>>,
    description: OnceCell<Description>,
}

/// What a dictionary says about the characters of its codes.
enum Description {
    Composite(Composite),
    Simple(Simple),
}

impl<'a> Fonts<'a> {
    pub(super) fn new(settings: InterpreterSettings) -> Self {
        Self {
            found: Vec::new(),
            visited: HashSet::new(),
            cache: FontCache::new(),
            settings,
            cmaps: CMaps::default(),
            last: 0,
            may_guess: false,
        }
    }

    /// Whether the interpreter may have guessed the characters of a font among those that were found.
    pub(super) fn may_guess(&self) -> bool {
        self.may_guess
    }

    /// Collects the fonts of a page: its own, and those of what is drawn on it.
    pub(super) fn add_page(&mut self, page: &Page<'a>) {
        let resources = page.resources();
        self.add_fonts(&resources.fonts);
        let mut waiting = Vec::new();
        for drawn in [&resources.x_objects, &resources.patterns] {
            self.add_nested(drawn, &mut waiting);
        }
        for annotation in page.raw().get::<Array<'_>>(ANNOTS).iter().flat_map(Array::iter::<Dict<'_>>) {
            match annotation.get::<Dict<'_>>(AP).and_then(|appearance| appearance.get::<Object<'_>>(N)) {
                Some(Object::Stream(stream)) => waiting.extend(stream.dict().get::<Dict<'_>>(RESOURCES)),
                Some(Object::Dict(states)) => self.add_nested(&states, &mut waiting),
                _ => {}
            }
        }
        // A list instead of a recursion, as a document may nest as deep as it likes.
        while let Some(resources) = waiting.pop() {
            if !self.visit(&resources) {
                continue;
            }
            if let Some(fonts) = resources.get::<Dict<'_>>(FONT) {
                self.add_fonts(&fonts);
            }
            for key in [XOBJECT, PATTERN] {
                if let Some(drawn) = resources.get::<Dict<'_>>(key) {
                    self.add_nested(&drawn, &mut waiting);
                }
            }
        }
    }

    /// Adds the resources of streams that are drawn to the list.
    fn add_nested(&mut self, drawn: &Dict<'a>, waiting: &mut Vec<Dict<'a>>) {
        if !self.visit(drawn) {
            return;
        }
        for name in drawn.keys() {
            let stream = drawn.get::<Stream<'_>>(name);
            waiting.extend(stream.and_then(|stream| stream.dict().get::<Dict<'_>>(RESOURCES)));
        }
    }

    fn add_fonts(&mut self, fonts: &Dict<'a>) {
        if !self.visit(fonts) {
            return;
        }
        for name in fonts.keys() {
            if self.found.len() >= MOST_FONTS {
                return;
            }
            if let Some(dictionary) = fonts.get::<Dict<'_>>(name)
                && self.visit(&dictionary)
            {
                let entry = Entry::new(dictionary);
                self.may_guess |= entry.is_guessed;
                self.found.push(entry);
            }
        }
    }

    /// Whether a dictionary is visited for the first time.
    fn visit(&mut self, dictionary: &Dict<'a>) -> bool {
        let data = dictionary.data();
        !data.is_empty() && self.visited.insert((data.as_ptr(), data.len()))
    }

    /// The text of a glyph by the dictionary of its font. `own` is what the interpreter says.
    pub(super) fn text(&mut self, glyph: &Glyph<'_>, own: Option<&str>) -> Option<String> {
        let Self { found, cache, settings, cmaps, last, .. } = self;
        let readable = own.filter(|own| is_readable(own));
        let draws =
            |index: &usize| found.get(*index).is_some_and(|entry| entry.draws(glyph, cache, settings));
        let index = (*last..found.len()).chain(0..*last).find(draws);
        let Some((index, entry)) = index.and_then(|index| Some((index, found.get(index)?))) else {
            return readable.map(str::to_owned);
        };
        *last = index;
        if readable.is_some() && !entry.is_guessed {
            return readable.map(str::to_owned);
        }
        let (code, id) = (glyph.char_code(), glyph_id(glyph));
        let description = entry.description(glyph, cmaps);
        if let Some(symbols) = entry.symbols {
            let moved = own.and_then(|own| own.chars().next()).and_then(|own| moved_byte(own.into()));
            let stored = || description.program()?.symbol(id?);
            let plain = || u8::try_from(code).ok().filter(|_| !entry.is_composite);
            return symbols.text(moved.or_else(stored).or_else(plain)?, cache, settings);
        }
        let text = match description {
            Description::Composite(font) => font.text(code, id),
            Description::Simple(font) => font.text(code, id),
        };
        text.or_else(|| readable.map(str::to_owned))
    }
}

fn glyph_id(glyph: &Glyph<'_>) -> Option<u32> {
    match glyph {
        Glyph::Outline(glyph) => Some(glyph.glyph_id().to_u32()),
        Glyph::Type3(_) => None,
    }
}

/// Whether the interpreter guesses the characters of a font, because nothing tells them: it takes codes to be those of
/// the standard encoding, or the codes of symbols to be letters.
fn is_guessed(font: &Dict<'_>, symbols: Option<Symbols>) -> bool {
    if font.contains_key(TO_UNICODE) {
        return false;
    }
    let is_true_type = font.get::<Name<'_>>(SUBTYPE).as_deref() == Some(TRUE_TYPE);
    let names_glyphs =
        font.get::<Dict<'_>>(ENCODING).is_some_and(|encoding| encoding.contains_key(DIFFERENCES));
    match symbols {
        Some(Symbols::Standard(_)) => is_true_type && !names_glyphs,
        Some(Symbols::Wingdings | Symbols::Other) => !names_glyphs,
        None => is_true_type && font.contains_key(FONT_DESC) && !font.contains_key(ENCODING),
    }
}

impl<'a> Entry<'a> {
    fn new(dictionary: Dict<'a>) -> Self {
        let is_composite = dictionary.get::<Name<'_>>(SUBTYPE).as_deref() == Some(TYPE0);
        let symbols = Symbols::of(&dictionary);
        Self {
            is_composite,
            is_guessed: is_guessed(&dictionary, symbols),
            symbols,
            dictionary,
            font: OnceCell::new(),
            description: OnceCell::new(),
        }
    }

    /// Whether the code of a glyph gives this glyph in this font.
    fn draws(&self, glyph: &Glyph<'_>, cache: &FontCache<'a>, settings: &InterpreterSettings) -> bool {
        let code = glyph.char_code();
        if !self.is_composite && code > u32::from(u8::MAX) {
            return false;
        }
        let font = self
            .font
            .get_or_init(|| cache.font(&self.dictionary, &settings.font_resolver, &settings.cmap_resolver));
        let Some(font) = font else { return false };
        match (glyph, font.glyph(font.map_code(code), code)) {
            (Glyph::Outline(glyph), FontGlyph::Outline(same)) => {
                same.identifier() == glyph.identifier() && same.as_unicode() == glyph.as_unicode()
            }
            (Glyph::Type3(glyph), FontGlyph::Type3(same)) => {
                Some(same.advance_width()) == glyph.advance_width() && same.as_unicode() == glyph.as_unicode()
            }
            _ => false,
        }
    }

    fn description(&self, glyph: &Glyph<'_>, cmaps: &mut CMaps) -> &Description {
        self.description.get_or_init(|| {
            let file = match glyph {
                Glyph::Outline(glyph) => glyph.font_data().map(|font| font.data),
                Glyph::Type3(_) => None,
            };
            if self.is_composite {
                Description::Composite(Composite::new(&self.dictionary, file, cmaps))
            } else {
                Description::Simple(Simple::new(&self.dictionary, file))
            }
        })
    }
}

impl Description {
    fn program(&self) -> Option<&Program> {
        match self {
            Self::Composite(font) => font.program(),
            Self::Simple(font) => font.program(),
        }
    }
}
