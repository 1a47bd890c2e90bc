//! The classes of failures on the way.

use ports::ModelError;
use reqwest_eventsource::Error;

/// The provider ended the event stream in a way that is no HTTP error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamFault {
    /// One event is beyond the bound.
    #[error("an event is too large")]
    EventTooLarge,
    /// All events together are beyond the bound.
    #[error("the answer is too large")]
    AnswerTooLarge,
    /// The reader of the stream ended by itself.
    #[error("the reader of the stream failed")]
    Reader,
}

impl From<StreamFault> for ModelError {
    fn from(fault: StreamFault) -> Self {
        Self::Broken(Box::new(fault))
    }
}

/// The request did not get an answer.
pub(crate) fn of_a_request(error: reqwest::Error) -> ModelError {
    let error = error.without_url();
    // A connection that does not come about in time has sent nothing.
    if error.is_timeout() && !error.is_connect() {
        return ModelError::TimedOut;
    }
    ModelError::Unavailable(Box::new(error))
}

/// The answer broke off.
pub(crate) fn of_a_stream(error: Error) -> ModelError {
    match error {
        Error::Transport(error) if error.is_timeout() => ModelError::TimedOut,
        Error::Transport(_) | Error::StreamEnded => ModelError::Truncated,
        Error::Utf8(_) | Error::Parser(_) => StreamFault::EventTooLarge.into(),
        Error::InvalidContentType(..) | Error::InvalidStatusCode(..) | Error::InvalidLastEventId(_) => {
            ModelError::Broken(Box::new(error))
        }
    }
}
