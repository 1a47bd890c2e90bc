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

/// Returns the text for a delta; `None` if it is empty.
///
/// U+0000 becomes U+FFFD, because PostgreSQL cannot store it.
pub(crate) fn text(raw: String) -> Option<String> {
    match raw {
        empty if empty.is_empty() => None,
        text if text.contains('\0') => Some(text.replace('\0', "\u{fffd}")),
        text => Some(text),
    }
}
