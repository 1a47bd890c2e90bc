//! Builds documents from objects, and reads them.

use std::time::Duration;

use omnichat_pdf::{PdfReader, PdfSettings};
use ports::{Extracted, ExtractionError, TextExtractor};

/// The settings of the application, with the child program of the tests, and more time by the clock: the machine may be
/// busy with other tests. The limit of CPU time is the child's own.
pub(crate) fn settings() -> PdfSettings {
    PdfSettings {
        program: env!("CARGO_BIN_EXE_omnichat-pdf-child").into(),
        arguments: Vec::new(),
        at_once: 2,
        waiting: 64,
        patience: Duration::from_mins(1),
        wall: Duration::from_mins(1),
    }
}

/// Reads a document.
pub(crate) async fn read(pdf: &[u8]) -> Result<Extracted, ExtractionError> {
    PdfReader::new(settings()).extract(ports::Bytes::copy_from_slice(pdf)).await
}

/// A document of these objects, numbered from 1; the first one is its catalog.
pub(crate) fn pdf(objects: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes();
    for (index, object) in objects.iter().enumerate() {
        table.extend(format!("{:010} 00000 n \n", pdf.len()).bytes());
        pdf.extend(format!("{} 0 obj\n", index + 1).bytes());
        pdf.extend(object.as_ref());
        pdf.extend(b"\nendobj\n");
    }
    let start = pdf.len();
    pdf.extend(table);
    pdf.extend(format!("trailer\n<</Size {}/Root 1 0 R>>\n", objects.len() + 1).bytes());
    pdf.extend(format!("startxref\n{start}\n%%EOF\n").bytes());
    pdf
}

/// A stream with these entries in its dictionary.
pub(crate) fn stream(entries: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    let mut stream = format!("<<{entries}/Length {}>>\nstream\n", content.len()).into_bytes();
    stream.extend(content);
    stream.extend(b"\nendstream");
    stream
}
