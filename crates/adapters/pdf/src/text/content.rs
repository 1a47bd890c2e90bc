//! Interprets the content of a page: the operations that draw it.

use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

use domain::limits::FILE_TEXT_BYTES;
use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use super::font::Font;
use super::layout::{GlyphRun, Layout};
use super::matrix::{Matrix, Point};
use super::resources::Resources;
use super::{STREAM_BYTES, is_limit};

/// How deeply forms may be nested.
const FORM_DEPTH: usize = 12;
/// The limit of saved graphics states; further ones are not saved.
const SAVED_STATES: usize = 512;

/// Reads the pages of a document.
pub(super) struct Reader<'a> {
    document: &'a Document,
    /// Fonts that were read, by the address of their dictionary: many pages use the same fonts.
    fonts: HashMap<*const Dictionary, Rc<Font<'a>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document) -> Self {
        Self { document, fonts: HashMap::new() }
    }

    /// The text of a page.
    pub(super) fn page(&mut self, page: ObjectId) -> lopdf::Result<String> {
        let content = self.document.get_page_content_with_limit(page, STREAM_BYTES)?;
        let resources = Resources::of_page(self.document, page)?;
        let mut layout = Layout::default();
        let state = State::new(Matrix::IDENTITY);
        Drawing { reader: self, layout: &mut layout, open: Vec::new() }.run(&content, &resources, state)?;
        Ok(layout.finish())
    }

    fn font(&mut self, font: &'a Dictionary) -> lopdf::Result<Rc<Font<'a>>> {
        if let Some(known) = self.fonts.get(&ptr::from_ref(font)) {
            return Ok(Rc::clone(known));
        }
        let read = Rc::new(Font::read(self.document, font)?);
        self.fonts.insert(ptr::from_ref(font), Rc::clone(&read));
        Ok(read)
    }
}

/// A page that is being interpreted.
struct Drawing<'d, 'a> {
    reader: &'d mut Reader<'a>,
    layout: &'d mut Layout,
    /// The forms that are being interpreted, the outermost first.
    open: Vec<*const Stream>,
}

/// The part of the graphics state that places text (ISO 32000-1, 8.4 and 9.3).
#[derive(Clone)]
struct State<'a> {
    /// The current transformation matrix: from user space to the page.
    page: Matrix,
    /// The text line matrix.
    line: Matrix,
    /// The text matrix.
    text: Matrix,
    font: Option<Rc<Font<'a>>>,
    /// The font size.
    height: f64,
    character_spacing: f64,
    word_spacing: f64,
    /// The horizontal scaling; 1 is none.
    stretch: f64,
    leading: f64,
    rise: f64,
}

impl State<'_> {
    fn new(page: Matrix) -> Self {
        Self {
            page,
            line: Matrix::IDENTITY,
            text: Matrix::IDENTITY,
            font: None,
            height: 0.0,
            character_spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }

    fn start_line(&mut self, line: Matrix) {
        self.line = line;
        self.text = line;
    }

    fn next_line(&mut self, x: f64, y: f64) {
        self.start_line(Matrix::translation(x, y).within(self.line));
    }

    /// Moves the text position along the line, by a distance in text space.
    fn advance(&mut self, by: f64) {
        self.text = Matrix::translation(by * self.stretch, 0.0).within(self.text);
    }
}

impl<'a> Drawing<'_, 'a> {
    fn run(&mut self, content: &[u8], resources: &Resources<'a>, mut state: State<'a>) -> lopdf::Result<()> {
        let mut saved = Vec::new();
        for operation in Content::decode_iter(content) {
            // Content after an error cannot be trusted; what came before it is kept.
            let Ok(Operation { operator, operands }) = operation else { break };
            if self.layout.len() >= FILE_TEXT_BYTES {
                break;
            }
            match operator.as_str() {
                "q" if saved.len() < SAVED_STATES => saved.push(state.clone()),
                "Q" => state = saved.pop().unwrap_or(state),
                "cm" => {
                    if let Some(matrix) = Matrix::read(&operands) {
                        state.page = matrix.within(state.page);
                    }
                }
                "Do" => self.draw(&operands, resources, &state)?,
                "Tf" => {
                    state.font = self.font(operands.first(), resources)?;
                    state.height = number(operands.get(1)).unwrap_or_default();
                }
                _ => self.text_operation(&operator, &operands, &mut state),
            }
        }
        Ok(())
    }

    /// Runs an operation that concerns text alone; others are ignored.
    fn text_operation(&mut self, operator: &str, operands: &[Object], state: &mut State<'a>) {
        let first = number(operands.first());
        match (operator, first) {
            ("BT", _) => state.start_line(Matrix::IDENTITY),
            ("Tc", Some(spacing)) => state.character_spacing = spacing,
            ("Tw", Some(spacing)) => state.word_spacing = spacing,
            ("Tz", Some(percent)) => state.stretch = percent / 100.0,
            ("TL", Some(leading)) => state.leading = leading,
            ("Ts", Some(rise)) => state.rise = rise,
            ("Td", Some(x)) => state.next_line(x, number(operands.get(1)).unwrap_or_default()),
            ("TD", Some(x)) => {
                let y = number(operands.get(1)).unwrap_or_default();
                state.leading = -y;
                state.next_line(x, y);
            }
            ("Tm", Some(_)) => {
                if let Some(matrix) = Matrix::read(operands) {
                    state.start_line(matrix);
                }
            }
            ("T*", _) => state.next_line(0.0, -state.leading),
            ("Tj", _) => self.show(operands.first(), state),
            ("'", _) => {
                state.next_line(0.0, -state.leading);
                self.show(operands.first(), state);
            }
            ("\"", Some(spacing)) => {
                state.word_spacing = spacing;
                state.character_spacing = number(operands.get(1)).unwrap_or_default();
                state.next_line(0.0, -state.leading);
                self.show(operands.get(2), state);
            }
            ("TJ", _) => {
                for entry in
                    operands.first().and_then(|entries| entries.as_array().ok()).into_iter().flatten()
                {
                    match number(Some(entry)) {
                        Some(back) => state.advance(-back / 1000.0 * state.height),
                        None => self.show(Some(entry), state),
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds a string to the layout and advances the text position.
    fn show(&mut self, string: Option<&Object>, state: &mut State<'a>) {
        let (Some(Object::String(string, _)), Some(font)) = (string, state.font.clone()) else { return };
        let text = font.decode(string);
        let extent = font.extent(string);
        let before = state.text.within(state.page);
        state.advance(
            extent.width * state.height
                + f64::from(extent.codes) * state.character_spacing
                + f64::from(extent.spaces) * state.word_spacing,
        );
        let after = state.text.within(state.page);
        let rise = Point { x: 0.0, y: state.rise };
        self.layout.add(&GlyphRun {
            text: &text,
            start: before.point(rise),
            end: after.point(rise),
            direction: before.direction(),
            height: (before.height() * state.height).abs(),
        });
    }

    fn font(
        &mut self,
        name: Option<&Object>,
        resources: &Resources<'a>,
    ) -> lopdf::Result<Option<Rc<Font<'a>>>> {
        let document = self.reader.document;
        let font = name.and_then(|name| resources.find(document, b"Font", name.as_name().ok()?));
        let font = font.and_then(|font| document.dereference(font).ok()?.1.as_dict().ok());
        match font.map(|font| self.reader.font(font)).transpose() {
            Err(error) if !is_limit(&error) => Ok(None),
            font => font,
        }
    }

    /// Interprets a form: content that other content draws by its name.
    fn draw(
        &mut self,
        operands: &[Object],
        resources: &Resources<'a>,
        state: &State<'a>,
    ) -> lopdf::Result<()> {
        let document = self.reader.document;
        let named =
            operands.first().and_then(|name| resources.find(document, b"XObject", name.as_name().ok()?));
        let Some(form) = named.and_then(|named| document.dereference(named).ok()?.1.as_stream().ok()) else {
            return Ok(());
        };
        let is_form =
            matches!(form.dict.get_deref(b"Subtype", document).and_then(Object::as_name), Ok(b"Form"));
        // A form that draws itself is interpreted once; it would never end.
        if !is_form || self.open.len() >= FORM_DEPTH || self.open.contains(&ptr::from_ref(form)) {
            return Ok(());
        }
        let content = match form.get_plain_content_with_limit(STREAM_BYTES) {
            Err(error) if is_limit(&error) => return Err(error),
            Err(_) => return Ok(()),
            Ok(content) => content,
        };
        let matrix = form.dict.get_deref(b"Matrix", document).and_then(Object::as_array).ok();
        let matrix = matrix.and_then(|matrix| Matrix::read(matrix)).unwrap_or(Matrix::IDENTITY);
        let own = Resources::of_form(document, &form.dict);
        let inside = State { page: matrix.within(state.page), ..state.clone() };
        self.open.push(ptr::from_ref(form));
        let drawn = self.run(&content, own.as_ref().unwrap_or(resources), inside);
        self.open.pop();
        drawn
    }
}

fn number(object: Option<&Object>) -> Option<f64> {
    object?.as_float().ok().map(f64::from)
}
