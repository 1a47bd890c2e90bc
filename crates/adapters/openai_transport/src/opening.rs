//! Opens the stream of a call: the request, its response, and the events of the body.

use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, future};
use openai_wire::{ErrorResponse, Redaction, from_response};
use ports::ModelError;
use reqwest::header::{ACCEPT_ENCODING, HeaderValue, LOCATION};
use reqwest::{RequestBuilder, Response, StatusCode};
use reqwest_eventsource::{Error, Event, EventSource, retry};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{failure, retry_after};

/// The most bytes that are read of the body of an error.
const ERROR_BODY_BYTES: usize = 64 * 1024;
/// How long the body of an error may take. Its status is known already.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// The events of a body.
pub(crate) type Events = BoxStream<'static, Result<eventsource_stream::Event, Error>>;

/// A call that failed before its stream began.
#[derive(Debug)]
pub struct Refusal {
    /// The failure.
    pub error: ModelError,
    /// What a provider says that refuses the request (400, 422): it may name a field.
    pub(crate) words: Option<String>,
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        Self { error, words: None }
    }
}

/// Sends a request and waits until its response begins, until this time.
pub(crate) async fn open(
    request: RequestBuilder,
    until: Instant,
    redaction: &Redaction,
) -> Result<Events, Refusal> {
    // A compressed stream arrives late, and cannot be read here.
    let request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let mut source = EventSource::new(request).map_err(|error| ModelError::Broken(Box::new(error)))?;
    // By default it would reconnect and request a second answer.
    source.set_retry_policy(Box::new(retry::Never));
    match timeout_at(until, source.next()).await {
        Err(_) => Err(ModelError::TimedOut.into()),
        Ok(Some(Ok(Event::Open))) => Ok(source.filter_map(|event| future::ready(message(event))).boxed()),
        Ok(Some(Err(Error::InvalidContentType(_, response)))) => Ok(of_any_type(response)),
        Ok(Some(Err(Error::InvalidStatusCode(status, response)))) if may_have_answer(status) => {
            Ok(of_any_type(response))
        }
        Ok(Some(Err(error))) => Err(open_error(error, redaction).await),
        Ok(Some(Ok(Event::Message(_))) | None) => Err(ModelError::Truncated.into()),
    }
}

/// Whether a response with this status may be a complete answer. Some frameworks answer every POST with 201.
fn may_have_answer(status: StatusCode) -> bool {
    let has_no_whole_body =
        [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::PARTIAL_CONTENT].contains(&status);
    status.is_success() && !has_no_whole_body
}

/// The message in an event; `None` if it is only about the connection. After a clean end the source is over.
fn message(event: Result<Event, Error>) -> Option<Result<eventsource_stream::Event, Error>> {
    match event {
        Ok(Event::Open) | Err(Error::StreamEnded) => None,
        Ok(Event::Message(message)) => Some(Ok(message)),
        Err(error) => Some(Err(error)),
    }
}

/// The events of a body whose type may be other than `text/event-stream`. Many servers send event streams without a type or under
/// another one. Lines of any other body are stray lines, which the reader judges.
fn of_any_type(response: Response) -> Events {
    eventsource_stream::EventStream::new(response.bytes_stream()).map_err(Error::from).boxed()
}

async fn open_error(error: Error, redaction: &Redaction) -> Refusal {
    match error {
        Error::Transport(error) => failure::from_request_error(error).into(),
        Error::InvalidStatusCode(_, response) => response_error(response, redaction).await,
        Error::InvalidContentType(..)
        | Error::Utf8(_)
        | Error::Parser(_)
        | Error::InvalidLastEventId(_)
        | Error::StreamEnded => ModelError::Broken(Box::new(error)).into(),
    }
}

pub(crate) async fn response_error(response: Response, redaction: &Redaction) -> Refusal {
    let status = response.status();
    let retry_after = retry_after::from_headers(response.headers());
    let body = match response.headers().get(LOCATION).filter(|_| status.is_redirection()) {
        Some(location) => redirect(location),
        None => body(response).await,
    };
    let status = status.as_u16();
    let error = from_response(&ErrorResponse { status, retry_after, body: &body }, redaction);
    Refusal { error, words: matches!(status, 400 | 422).then_some(body) }
}

/// The words for a redirect. It is not followed: the key would go to another address than the configured one.
fn redirect(location: &HeaderValue) -> String {
    let location = String::from_utf8_lossy(location.as_bytes());
    // The query may hold secrets.
    let location = location.split(['?', '#']).next().unwrap_or_default();
    format!("it redirects to {location}, which is not followed: set the base URL to where the API is")
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
