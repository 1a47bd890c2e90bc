//! Makes calls to `OpenAI`'s APIs: one POST, server-sent events, timeouts.
//!
//! A call that may have to be paid for is never repeated here: the decorators of the model decide about retries. Only a
//! call that the provider has refused because of an optional field is made again without it ([`Calls`]).

mod calls;
mod event_name;
mod failure;
mod model_stream;
mod opening;
mod reader;
mod retry_after;
mod stray_text;

use std::time::Duration;

use openai_wire::{Decoder, Redaction};
use ports::{ModelError, ModelStream};
use reqwest::RequestBuilder;
use tokio::time::{Instant, timeout};

pub use calls::{Calls, FieldSettings};
pub use opening::Refusal;

use crate::reader::Reader;

/// The timeout of a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeouts of a call. The timeout of connections is a setting of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the request to the first event or comment.
    pub first_event: Duration,
    /// From one event or comment to the next.
    pub idle: Duration,
    /// From the request to the end of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            first_event: Duration::from_mins(1),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

/// Returns the URL of a path below the base URL of a provider.
#[must_use]
pub fn url(base_url: &str, path: &str) -> String {
    format!("{}/{path}", base_url.trim_end_matches('/'))
}

/// Makes a call and reads its answer. Returns once the provider has accepted the request and a stream begins.
///
/// The stream is read in a task of its own, so that events that arrive together are passed on together, and a panic of
/// the reader becomes an error. Dropping the stream ends the task and the request.
///
/// # Errors
/// If the provider refuses the request or cannot be reached.
pub async fn stream(
    request: RequestBuilder,
    decoder: impl Decoder + 'static,
    timeouts: Timeouts,
    redaction: &Redaction,
) -> Result<ModelStream, Refusal> {
    let started = Instant::now();
    let until = started + timeouts.first_event.min(timeouts.total);
    let events = opening::open(request, until, redaction).await?;
    let reader = Reader::new(events, Box::new(decoder), timeouts, started, redaction.clone());
    Ok(model_stream::spawn(reader))
}

/// Makes a call that costs nothing, to check whether the provider answers and accepts our key.
///
/// # Errors
/// If the provider refuses the request or cannot be reached.
pub async fn check(request: RequestBuilder, redaction: &Redaction) -> Result<(), ModelError> {
    let sent = timeout(CHECK_TIMEOUT, request.send()).await;
    let response = sent.map_err(|_| ModelError::TimedOut)?.map_err(failure::from_request_error)?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(opening::response_error(response, redaction).await.error)
}
