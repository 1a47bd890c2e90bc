//! What every decoder of a stream does.

use ports::{ModelError, ModelEvent};

/// Reads the events of one answer.
///
/// It answers with deltas, then with exactly one [`ModelEvent::Finished`] or one error. Whatever comes after that
/// is passed over: an error never becomes a success, nor the other way round.
pub trait Decoder: Send {
    /// Reads the data of one server-sent event and appends what it means.
    ///
    /// # Errors
    /// An error that the event holds, or [`ModelError::Broken`] where it cannot be read.
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Takes note that the stream ended cleanly.
    ///
    /// # Errors
    /// [`ModelError::Truncated`] where the answer has no end.
    fn end(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Whether the end of the answer was seen.
    fn is_over(&self) -> bool;
}

/// Text of a provider as a delta takes it; `None` where there is none.
///
/// U+0000 becomes U+FFFD, for no store keeps it.
pub(crate) fn text(raw: String) -> Option<String> {
    match raw {
        empty if empty.is_empty() => None,
        text if text.contains('\0') => Some(text.replace('\0', "\u{fffd}")),
        text => Some(text),
    }
}
