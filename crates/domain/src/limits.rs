//! Bounds that requests and domain constructors share. Lengths count Unicode characters.

/// A title of a conversation (contract S0).
pub const TITLE_CHARS: usize = 500;
/// A label, a project id.
pub const LABEL_CHARS: usize = 255;
/// A model's name (contract S1, row S1-24).
pub const MODEL_NAME_CHARS: usize = 128;
/// Messages that one begin may append.
pub const MESSAGES_PER_SEND: usize = 2_000;
/// Messages of the window that a begin returns.
pub const WINDOW_MESSAGES: u32 = 64;
/// Bytes of stored parts in the window that a begin returns.
pub const WINDOW_BYTES: u32 = 256 * 1024;
/// Bytes of one reply; a provider that sends more is broken.
pub const REPLY_BYTES: usize = 16 * 1024 * 1024;
/// Words of the first question that make a title.
pub const TITLE_WORDS: usize = 5;
/// The shortest password that registration takes, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// The longest password that is hashed, in bytes.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// A user's name, email address or full name.
pub const NAME_CHARS: usize = 255;
/// The name of a persona (contract S4).
pub const PERSONA_NAME_CHARS: usize = 128;
/// A title of a conversation with a persona (contract S4).
pub const PERSONA_TITLE_CHARS: usize = 255;
/// The name of an uploaded file; a longer one is cut.
pub const FILE_NAME_CHARS: usize = 255;
/// The largest PDF that can be read, in MiB, whatever is configured.
pub const PDF_MB: u32 = 64;
/// Bytes of text that are kept of one file; what comes after is cut.
pub const FILE_TEXT_BYTES: usize = 1024 * 1024;
/// Rows of a list that has no paging in its contract (C-40).
pub const LIST_ROWS: u32 = 1_000;
/// The largest offset of a list.
pub const OFFSET_MAX: u32 = 1_000_000;
