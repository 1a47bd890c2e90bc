//! Files of conversations. Their text is part of the context of a model.

use crate::limits::{FILE_NAME_CHARS, FILE_TEXT_BYTES};
use crate::names::text_type;
use crate::{BlobId, ConversationId, ConversationNumber, FileNumber, Timestamp, UserId, text};

/// The media type of every file that is accepted.
pub const PDF: &str = "application/pdf";
/// The mark `%PDF-` must lie within this many bytes from the start (row S1-38).
const PDF_MARK_WITHIN: usize = 1024;
const PDF_MARK: &[u8] = b"%PDF-";

/// Whether these bytes have the mark of a PDF. The name and the media type that the client sent do not count.
#[must_use]
pub fn is_pdf(bytes: &[u8]) -> bool {
    let mut starts = bytes.windows(PDF_MARK.len()).take(PDF_MARK_WITHIN - PDF_MARK.len() + 1);
    starts.any(|window| window == PDF_MARK)
}

/// The name that the client gave a file: shown to users and to the model, never used as a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    /// The name of a file without one.
    const UNNAMED: &'static str = "document.pdf";

    /// Makes a name of the last part of a path: without control characters and marks of text direction, cut to
    /// [`FILE_NAME_CHARS`].
    #[must_use]
    pub fn from_sender(raw: &str) -> Self {
        let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown = text::without_controls(last, &[]);
        let name: String = shown.chars().filter(|c| !is_direction_mark(*c)).take(FILE_NAME_CHARS).collect();
        let name = name.trim();
        Self(if name.is_empty() { Self::UNNAMED.to_owned() } else { name.to_owned() })
    }

    /// Reads a stored name.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }
}

text_type!(FileName, BlobKey);

/// Whether a character is a mark, override or isolate of Unicode's bidirectional algorithm (UAX 9), or a line or
/// paragraph separator.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The key of a stored object. It holds no text of a client, so it is safe as a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// `uploads/{user}/{conversation}/{uuid}.pdf`
    #[must_use]
    pub fn upload(user: UserId, conversation: ConversationNumber, blob: BlobId) -> Self {
        Self(format!("uploads/{user}/{conversation}/{blob}.pdf"))
    }

    /// Reads a stored key.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }
}

/// A file to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The conversation that it is attached to.
    pub conversation: ConversationId,
    /// The stored object with its bytes.
    pub blob: BlobKey,
    /// The name that the client gave it.
    pub name: FileName,
    /// The size in bytes.
    pub size: u64,
    /// The number of pages.
    pub pages: u32,
    /// How many of them were read, from the first one on.
    pub pages_read: u32,
    /// The text; empty for a scan.
    pub text: String,
    /// The current time.
    pub at: Timestamp,
}

impl NewFile {
    /// Returns the stored file with its number.
    #[must_use]
    pub fn with_number(self, number: FileNumber) -> File {
        let Self { conversation, blob, name, size, pages, pages_read, text, at } = self;
        File { number, conversation, blob, name, size, pages, pages_read, text, created_at: at }
    }
}

/// A stored file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The number: 1, 2, … on a fresh database.
    pub number: FileNumber,
    /// The conversation that it is attached to.
    pub conversation: ConversationId,
    /// The stored object with its bytes.
    pub blob: BlobKey,
    /// The name that the client gave it.
    pub name: FileName,
    /// The size in bytes.
    pub size: u64,
    /// The number of pages.
    pub pages: u32,
    /// How many of them were read, from the first one on.
    pub pages_read: u32,
    /// The text.
    pub text: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// The text of a file, for a request to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// The name that the client gave it.
    pub name: FileName,
    /// The number of its pages.
    pub pages: u32,
    /// How many of them were read, from the first one on.
    pub pages_read: u32,
    /// The text that was read.
    pub text: String,
}

impl FileText {
    /// Whether any text was read.
    #[must_use]
    pub fn has_text(&self) -> bool {
        !self.text.trim().is_empty()
    }

    /// A sentence for the model that follows the text, if that is not the text of the whole file: otherwise the model would
    /// say that the file is empty, or that something is not in it.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        if !self.has_text() {
            return Some(match (self.pages_read, self.pages) {
                (read, all) if read < all => {
                    format!("[No text could be read from the first {read} of the {all} pages of this file.]")
                }
                _ => "[No text could be read from this file.]".to_owned(),
            });
        }
        // A text is cut between two characters, so up to three bytes below its limit.
        let is_cut = self.pages_read < self.pages || FILE_TEXT_BYTES <= self.text.len() + 3;
        is_cut.then(|| format!("\n[Only the beginning of this file was read. It has {} pages.]", self.pages))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pdf_has_its_mark_near_the_start() {
        assert!(is_pdf(b"%PDF-1.7\n"));
        assert!(is_pdf(&[vec![b' '; 1019], b"%PDF-".to_vec()].concat()));
        assert!(!is_pdf(&[vec![b' '; 1020], b"%PDF-".to_vec()].concat()));
        assert!(!is_pdf(b"%PDF"));
        assert!(!is_pdf(b""));
    }

    #[test]
    fn paths_and_misleading_characters_are_removed_from_names() {
        let named = |raw: &str| FileName::from_sender(raw).to_string();
        assert_eq!(named("../../etc/passwd"), "passwd");
        assert_eq!(named("C:\\x\\report.pdf"), "report.pdf");
        assert_eq!(named("a\u{202e}fdp\r\n.exe\0"), "afdp.exe");
        assert_eq!(named("dir/"), "document.pdf");
        assert_eq!(named(&"ä".repeat(4_000)).chars().count(), FILE_NAME_CHARS);
    }

    #[test]
    fn a_note_says_what_is_missing_in_a_text() {
        let note = |pages, text: &str| {
            let name = FileName::from_sender("a.pdf");
            FileText { name, pages, pages_read: 3, text: text.to_owned() }.note()
        };
        assert_eq!(note(3, "text"), None);
        assert_eq!(note(3, &"x".repeat(FILE_TEXT_BYTES - 4)), None);
        for text in ["", " \n\n\t"] {
            assert_eq!(note(3, text).as_deref(), Some("[No text could be read from this file.]"));
            let of_the_first = "[No text could be read from the first 3 of the 4 pages of this file.]";
            assert_eq!(note(4, text).as_deref(), Some(of_the_first));
        }
        let is_cut = |pages, text: &str| note(pages, text).unwrap().contains("Only the beginning");
        assert!(is_cut(4, "text"));
        assert!(is_cut(3, &"x".repeat(FILE_TEXT_BYTES - 3)));
    }

    #[test]
    fn keys_hold_no_text_of_the_client() {
        let key = BlobKey::upload(UserId(7), ConversationNumber(3), BlobId(Uuid::nil()));
        assert_eq!(key.as_str(), "uploads/7/3/00000000-0000-0000-0000-000000000000.pdf");
    }
}
