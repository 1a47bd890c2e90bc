//! Classifies the failures of connections and streams.

use ports::ModelError;
use reqwest_eventsource::Error;

/// A failure of a stream that is no HTTP error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamFailure {
    /// An event is larger than the limit.
    #[error("an event is too large")]
    EventTooLarge,
    /// All events together are larger than the limit.
    #[error("the answer is too large")]
    AnswerTooLarge,
    /// The task that reads the stream panicked.
    #[error("the reader of the stream failed")]
    Reader,
}

impl From<StreamFailure> for ModelError {
    fn from(failure: StreamFailure) -> Self {
        Self::Broken(Box::new(failure))
    }
}

/// Classifies the failure of a request without a response.
pub(crate) fn from_request_error(error: reqwest::Error) -> ModelError {
    let error = error.without_url();
    // If the connection timed out, nothing was sent.
    if error.is_timeout() && !error.is_connect() {
        return ModelError::TimedOut;
    }
    ModelError::Unavailable(Box::new(error))
}

/// Classifies the failure of a stream.
pub(crate) fn from_stream_error(error: Error) -> ModelError {
    match error {
        Error::Transport(error) if error.is_timeout() => ModelError::TimedOut,
        Error::Transport(_) | Error::StreamEnded => ModelError::Truncated,
        Error::Utf8(_) | Error::Parser(_) => StreamFailure::EventTooLarge.into(),
        Error::InvalidContentType(..) | Error::InvalidStatusCode(..) | Error::InvalidLastEventId(_) => {
            ModelError::Broken(Box::new(error))
        }
    }
}
