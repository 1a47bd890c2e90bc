//! Makes calls to `OpenAI`'s APIs: one POST, server-sent events, timeouts.
//!
//! A call is never repeated here, because it might be paid for twice. The decorators of the model decide about retries.

mod failure;
mod model_stream;
mod reader;
mod retry_after;

use std::time::Duration;

use futures_util::StreamExt;
use openai_wire::{Decoder, ErrorResponse, Redaction, from_json_body, from_response};
use ports::{ModelError, ModelStream};
use reqwest::{RequestBuilder, Response};
use reqwest_eventsource::{Error, Event, EventSource, retry};
use tokio::time::{Instant, timeout, timeout_at};

use crate::reader::Reader;

/// The most bytes that are read of the body of an error.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// How long the body of an error may take. Its status is known already.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);
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
) -> Result<ModelStream, ModelError> {
    let started = Instant::now();
    let mut events = EventSource::new(request).map_err(|error| ModelError::Broken(Box::new(error)))?;
    // By default it would reconnect and request a second answer.
    events.set_retry_policy(Box::new(retry::Never));
    let first = timeout_at(started + timeouts.first_event.min(timeouts.total), events.next()).await;
    match first {
        Err(_) => Err(ModelError::TimedOut),
        Ok(Some(Ok(Event::Open))) => {
            Ok(model_stream::spawn(Reader { events, decoder: Box::new(decoder), timeouts, started }))
        }
        Ok(Some(Err(error))) => Err(open_error(error, redaction).await),
        Ok(Some(Ok(Event::Message(_))) | None) => Err(ModelError::Truncated),
    }
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
    Err(response_error(response, redaction).await)
}

async fn open_error(error: Error, redaction: &Redaction) -> ModelError {
    match error {
        Error::Transport(error) => failure::from_request_error(error),
        Error::InvalidStatusCode(_, response) => response_error(response, redaction).await,
        Error::InvalidContentType(_, response) => from_json_body(&body(response).await, redaction),
        Error::Utf8(_) | Error::Parser(_) | Error::InvalidLastEventId(_) | Error::StreamEnded => {
            ModelError::Broken(Box::new(error))
        }
    }
}

async fn response_error(response: Response, redaction: &Redaction) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = retry_after::from_headers(response.headers());
    let body = body(response).await;
    from_response(&ErrorResponse { status, retry_after, body: &body }, redaction)
}

/// Reads the beginning of a body, as far as it arrives in time.
async fn body(mut response: Response) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while bytes.len() < ERROR_BODY_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            let room = ERROR_BODY_BYTES - bytes.len();
            bytes.extend(chunk.iter().take(room));
        }
    };
    // After the timeout, the bytes so far are used.
    let _late = timeout(ERROR_BODY_TIMEOUT, read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
