//! Files that a conversation was given: what they say is part of its context.

use std::fmt;

use crate::limits::FILE_NAME_CHARS;
use crate::usage::estimate_tokens;
use crate::{BlobId, ConversationId, ConversationNumber, FileNumber, Timestamp, UserId, text};

/// The media type of every file that is taken.
pub const PDF: &str = "application/pdf";
/// Where the mark of a PDF must begin, in bytes from the start (row S1-38).
const PDF_MARK_WITHIN: usize = 1024;
const PDF_MARK: &[u8] = b"%PDF-";

/// Whether these bytes say that they are a PDF, whatever their sender calls them.
#[must_use]
pub fn is_pdf(bytes: &[u8]) -> bool {
    let mut starts = bytes.windows(PDF_MARK.len()).take(PDF_MARK_WITHIN - PDF_MARK.len() + 1);
    starts.any(|window| window == PDF_MARK)
}

/// The name that the sender gave a file: shown and said to the model, never used as a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    /// The name of a file that has none.
    const UNNAMED: &'static str = "document.pdf";

    /// Takes the last part of a path, without characters that control a terminal or the direction of text, cut to
    /// [`FILE_NAME_CHARS`].
    #[must_use]
    pub fn from_sender(raw: &str) -> Self {
        let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
        let shown = text::without_controls(last, &[]);
        let name: String = shown.chars().filter(|c| !turns_text(*c)).take(FILE_NAME_CHARS).collect();
        let name = name.trim();
        Self(if name.is_empty() { Self::UNNAMED.to_owned() } else { name.to_owned() })
    }

    /// Takes a name that a store has kept.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Marks, overrides and isolates of Unicode's bidirectional algorithm (UAX 9), and line and paragraph separators.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of a stored object. Made by us, so that it is safe as a path and as a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(String);

impl BlobKey {
    /// `uploads/{user}/{conversation}/{uuid}.pdf`
    #[must_use]
    pub fn upload(user: UserId, conversation: ConversationNumber, blob: BlobId) -> Self {
        Self(format!("uploads/{user}/{conversation}/{blob}.pdf"))
    }

    /// Takes a key that a store has kept.
    #[must_use]
    pub fn from_stored(key: String) -> Self {
        Self(key)
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A file that is yet to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The conversation that it is given to.
    pub conversation: ConversationId,
    /// Its stored object.
    pub blob: BlobKey,
    /// Its sender's name for it.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// Its pages.
    pub pages: u32,
    /// The text in it; empty where it has none, as a scan.
    pub text: String,
    /// Now.
    pub at: Timestamp,
}

impl NewFile {
    /// The file under its number.
    #[must_use]
    pub fn kept_as(self, number: FileNumber) -> File {
        let Self { conversation, blob, name, size, pages, text, at } = self;
        File { number, conversation, blob, name, size, pages, text, created_at: at }
    }
}

/// A file as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its number: 1, 2, … on a fresh database.
    pub number: FileNumber,
    /// The conversation that it was given to.
    pub conversation: ConversationId,
    /// Its stored object.
    pub blob: BlobKey,
    /// Its sender's name for it.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// Its pages.
    pub pages: u32,
    /// The text in it.
    pub text: String,
    /// When it came.
    pub created_at: Timestamp,
}

/// What a file says, as a prompt needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileText {
    /// Its sender's name for it.
    pub name: FileName,
    /// The text in it.
    pub text: String,
}

impl FileText {
    /// An estimate of what it costs a prompt.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        estimate_tokens(self.name.as_str().len() + self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pdf_is_known_by_its_mark_near_the_start() {
        assert!(is_pdf(b"%PDF-1.7\n"));
        assert!(is_pdf(&[vec![b' '; 1019], b"%PDF-".to_vec()].concat()));
        assert!(!is_pdf(&[vec![b' '; 1020], b"%PDF-".to_vec()].concat()));
        assert!(!is_pdf(b"%PDF"));
        assert!(!is_pdf(b""));
    }

    #[test]
    fn names_lose_their_paths_and_what_deceives_a_reader() {
        let named = |raw: &str| FileName::from_sender(raw).to_string();
        assert_eq!(named("../../etc/passwd"), "passwd");
        assert_eq!(named("C:\\x\\report.pdf"), "report.pdf");
        assert_eq!(named("a\u{202e}fdp\r\n.exe\0"), "afdp.exe");
        assert_eq!(named("dir/"), "document.pdf");
        assert_eq!(named(&"ä".repeat(4_000)).chars().count(), FILE_NAME_CHARS);
    }

    #[test]
    fn keys_hold_nothing_of_the_sender() {
        let key = BlobKey::upload(UserId(7), ConversationNumber(3), BlobId(Uuid::nil()));
        assert_eq!(key.as_str(), "uploads/7/3/00000000-0000-0000-0000-000000000000.pdf");
    }
}
