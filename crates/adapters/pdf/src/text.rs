//! Extracts the text of a document. Only this module and its children use the PDF library; [`read`] is their one
//! function.

mod characters;
mod device;
mod direction;
mod forms;
mod glyph;
mod hyphens;
mod layout;
mod marks;
mod readable;
mod repeats;
mod substitute;
mod words;

use std::sync::Arc;

use domain::limits::{FILE_TEXT_BYTES, PDF_PAGES};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro_interpret::kurbo::{Affine, Rect};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, RectExt, interpret_page};
use ports::Extracted;

use crate::limits::Deadline;
use crate::reader_result::ReadError;
use characters::{Characters, predefined};
use device::TextDevice;

/// Reads a PDF: the number of its pages, and the text of the first [`PDF_PAGES`] in the order in which it is drawn, with a
/// blank line between two pages. If the deadline passes, it is the text of the pages until then.
pub(crate) fn read(document: Vec<u8>, deadline: Deadline) -> Result<Extracted, ReadError> {
    // The library tries the empty password.
    let pdf = Pdf::new(document).map_err(classify)?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(ReadError::Unreadable);
    }
    let mut reader = PageReader::new(&pdf);
    let mut text = String::new();
    let mut pages_read = 0;
    for (page, number) in pages.iter().zip(1..=PDF_PAGES) {
        // Without any text, a result would look like that of a scan.
        if deadline.has_passed() && !text.is_empty() {
            break;
        }
        pages_read = number;
        let page = reader.text(page);
        if page.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&page);
        if text.len() >= FILE_TEXT_BYTES {
            text.truncate(text.floor_char_boundary(FILE_TEXT_BYTES));
            break;
        }
    }
    let pages = u32::try_from(pages.len()).map_err(|_| ReadError::TooComplex)?;
    Ok(Extracted { pages, pages_read, text })
}

fn classify(error: LoadPdfError) -> ReadError {
    match error {
        LoadPdfError::Decryption(
            DecryptionError::PasswordProtected | DecryptionError::UnsupportedAlgorithm,
        ) => ReadError::Encrypted,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => ReadError::Unreadable,
    }
}

/// Reads page after page of one document.
struct PageReader<'a> {
    pdf: &'a Pdf,
    /// The fonts and objects that pages share.
    cache: InterpreterCache<'a>,
    settings: InterpreterSettings,
    characters: Characters<'a>,
}

impl<'a> PageReader<'a> {
    fn new(pdf: &'a Pdf) -> Self {
        let font = substitute::font();
        let settings = InterpreterSettings {
            font_resolver: Arc::new(move |_| Some((Arc::clone(&font), 0))),
            cmap_resolver: Arc::new(predefined),
            ..InterpreterSettings::default()
        };
        let characters = Characters::new(settings.clone());
        Self { pdf, cache: InterpreterCache::new(), settings, characters }
    }

    fn text(&mut self, page: &Page<'a>) -> String {
        let mut context = Context::new(
            Affine::IDENTITY,
            Rect::new(0.0, 0.0, 1.0, 1.0),
            &self.cache,
            self.pdf.xref(),
            self.settings.clone(),
        );
        self.characters.add_page(page);
        let mut device = TextDevice::new(&mut self.characters, page.media_box().to_kurbo());
        interpret_page(page, &mut context, &mut device);
        device.add_values(forms::values(page, Affine::IDENTITY));
        device.text()
    }
}
