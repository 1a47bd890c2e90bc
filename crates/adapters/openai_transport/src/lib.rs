//! Carries OpenAI-style calls: one POST, server-sent events, timeouts.
//!
//! A call is made once and never again: a second one would be paid for a second time. Who wants a retry wraps the
//! model.

mod failure;
mod model_stream;
mod pause;
mod reader;

use std::time::Duration;

use futures_util::StreamExt;
use openai_wire::{Decoder, ErrorResponse, Redaction, in_a_json_answer, of_an_answer};
use ports::{ModelError, ModelStream};
use reqwest::{RequestBuilder, Response};
use reqwest_eventsource::{Error, Event, EventSource, retry};
use tokio::time::{Instant, timeout, timeout_at};

use crate::reader::Reader;

/// Bytes of an error's body that are read.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// How long an error's body may take: its status is known already.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(5);
/// How long a provider may take to say that it is there.
const CHECK_PATIENCE: Duration = Duration::from_secs(5);

/// How long a provider may be silent. The time to connect is a matter of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the request to the first event, or to the first sign of life.
    pub first_event: Duration,
    /// From one event, or sign of life, to the next.
    pub idle: Duration,
    /// The whole answer.
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

/// Makes a call and reads its answer. Resolves once the provider has accepted the request with a stream.
///
/// The stream is read in a task of its own, so that what arrives together is handed on together and a panic in
/// there is an error here. Dropping the stream ends the task, and with it the request.
///
/// # Errors
/// As the provider refuses, or as it cannot be reached.
pub async fn stream(
    request: RequestBuilder,
    decoder: impl Decoder + 'static,
    timeouts: Timeouts,
    redaction: &Redaction,
) -> Result<ModelStream, ModelError> {
    let started = Instant::now();
    let mut events = EventSource::new(request).map_err(|error| ModelError::Broken(Box::new(error)))?;
    // By default it would reconnect, and ask for a second answer.
    events.set_retry_policy(Box::new(retry::Never));
    let opened = timeout_at(started + timeouts.first_event.min(timeouts.total), events.next()).await;
    match opened {
        Err(_) => Err(ModelError::TimedOut),
        Ok(Some(Ok(Event::Open))) => {
            Ok(model_stream::spawn(Reader { events, decoder: Box::new(decoder), timeouts, started }))
        }
        Ok(Some(Err(error))) => Err(refusal(error, redaction).await),
        Ok(Some(Ok(Event::Message(_))) | None) => Err(ModelError::Truncated),
    }
}

/// Makes a call that costs nothing, to see whether the provider answers and takes our key.
///
/// # Errors
/// As the provider refuses, or as it cannot be reached.
pub async fn check(request: RequestBuilder, redaction: &Redaction) -> Result<(), ModelError> {
    let sent = timeout(CHECK_PATIENCE, request.send()).await;
    let response = sent.map_err(|_| ModelError::TimedOut)?.map_err(failure::of_a_request)?;
    if response.status().is_success() {
        return Ok(());
    }
    Err(of_a_response(response, redaction).await)
}

async fn refusal(error: Error, redaction: &Redaction) -> ModelError {
    match error {
        Error::Transport(error) => failure::of_a_request(error),
        Error::InvalidStatusCode(_, response) => of_a_response(response, redaction).await,
        Error::InvalidContentType(_, response) => in_a_json_answer(&body(response).await, redaction),
        Error::Utf8(_) | Error::Parser(_) | Error::InvalidLastEventId(_) | Error::StreamEnded => {
            ModelError::Broken(Box::new(error))
        }
    }
}

async fn of_a_response(response: Response, redaction: &Redaction) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = pause::named_in(response.headers());
    let body = body(response).await;
    of_an_answer(&ErrorResponse { status, retry_after, body: &body }, redaction)
}

/// The beginning of a body, as far as it comes in time.
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
    // What has come until then is what there is.
    let _late = timeout(ERROR_BODY_PATIENCE, read).await;
    String::from_utf8_lossy(&bytes).into_owned()
}
