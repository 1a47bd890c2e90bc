//! Limits that the checks of requests and the domain share. Lengths count Unicode characters.

/// The longest title of a conversation (contract S0).
pub const TITLE_CHARS: usize = 500;
/// The longest label or project id.
pub const LABEL_CHARS: usize = 255;
/// The longest name of a model (contract S1, row S1-24).
pub const MODEL_NAME_CHARS: usize = 128;
/// The largest `max_tokens` that a request or a setting may ask for: what the type `int32` of the API's description
/// holds.
pub const MAX_TOKENS: u32 = 2_147_483_647;
/// The most messages in the window that `begin` returns.
pub const WINDOW_MESSAGES: u32 = 64;
/// The most bytes of stored parts in the window that `begin` returns.
pub const WINDOW_BYTES: u32 = 256 * 1024;
/// The most bytes of one reply; a longer one counts as broken.
pub const REPLY_BYTES: usize = 16 * 1024 * 1024;
/// The most messages of one request of contract S1.
pub const POSTED_MESSAGES: usize = 2_000;
/// The longest message of a user in contract S1, where messages hold documents. An earlier reply may be longer: a client
/// that resends the whole conversation could not go on otherwise.
pub const POSTED_CHARS: usize = 100_000;
/// The number of words of the first question in a title.
pub const TITLE_WORDS: usize = 5;
/// The shortest password for registration, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// The longest password, in bytes.
pub const PASSWORD_MAX_BYTES: usize = 1024;
/// The longest user name, email address or full name.
pub const NAME_CHARS: usize = 255;
/// The longest name of a persona (contract S4).
pub const PERSONA_NAME_CHARS: usize = 128;
/// The longest title of a conversation with a persona (contract S4).
pub const PERSONA_TITLE_CHARS: usize = 255;
/// The longest title of a prompt.
pub const PROMPT_TITLE_CHARS: usize = 255;
/// The longest scenario of a prompt.
pub const PROMPT_SCENARIO_CHARS: usize = 100;
/// The longest description of a prompt.
pub const PROMPT_DESCRIPTION_CHARS: usize = 10_000;
/// The longest content of a prompt, the longest value of one of its variables, and the longest text of both together
/// (C-37).
pub const PROMPT_CONTENT_CHARS: usize = 100_000;
/// The longest text to search prompts for.
pub const PROMPT_SEARCH_CHARS: usize = 10_000;
/// The longest name of an uploaded file; a longer one is cut.
pub const FILE_NAME_CHARS: usize = 255;
/// The largest PDF that can be configured, in MiB.
pub const PDF_MB: u32 = 64;
/// The most pages of one file that are read; the rest is left out.
pub const PDF_PAGES: u32 = 500;
/// The most bytes of text of one file; the rest is cut.
pub const FILE_TEXT_BYTES: usize = 1024 * 1024;
/// The most rows of a list without paging in its contract (C-40).
pub const LIST_ROWS: u32 = 1_000;
/// The most bytes of stored parts that are read at once for a list of messages; a larger message is read alone.
pub const BATCH_BYTES: u32 = 1024 * 1024;
/// The largest offset of a list.
pub const OFFSET_MAX: u32 = 1_000_000;
