//! The trait of the decoders of both APIs.

use ports::{ModelError, ModelEvent};

/// Decodes the events of one answer.
///
/// It yields deltas, then exactly one [`ModelEvent::Finished`] or one error. Later events are ignored, so an error
/// never becomes a success, nor the other way round.
pub trait Decoder: Send {
    /// Decodes the data of one server-sent event and appends the result to `events`.
    ///
    /// # Errors
    /// The error in the event, or [`ModelError::Broken`] if the event cannot be read.
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Called when the stream ends without an error of the connection.
    ///
    /// # Errors
    /// [`ModelError::Truncated`] if the answer is not complete.
    fn end(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Whether a delta was received. After that, a failure of the provider breaks the answer off.
    fn began(&self) -> bool;

    /// Whether the answer has ended.
    fn is_over(&self) -> bool;
}

/// Returns the text as stores can keep it: U+0000 becomes U+FFFD, because PostgreSQL cannot store it.
pub(crate) fn clean(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Whether the data of an event says that the stream has ended.
pub(crate) fn is_done(data: &str) -> bool {
    data.trim_matches('"').eq_ignore_ascii_case("[DONE]")
}

/// Returns the lines of data that is several events, because the server left out the empty lines between them.
pub(crate) fn lines_of(data: &str) -> impl Iterator<Item = &str> {
    data.lines().map(|line| line.strip_prefix("data:").unwrap_or(line))
}
