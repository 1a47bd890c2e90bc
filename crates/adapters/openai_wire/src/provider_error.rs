//! Classifies the errors of providers: in a response with an error status, in a stream, or in a body with status 200.

mod class;
mod fields;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use ports::{BoxError, ModelError};

use self::class::Class;
use self::fields::ErrorFields;
use crate::Redaction;
use crate::json::Json;

/// A response with an error status.
#[derive(Debug, Clone, Copy)]
pub struct ErrorResponse<'a> {
    /// The status.
    pub status: u16,
    /// When to try again, if the response says so.
    pub retry_after: Option<Duration>,
    /// The body, or the beginning of it.
    pub body: &'a str,
}

/// The provider's message, without keys. For logs only.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ProviderMessage(String);

/// An error in an event or a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProviderError<'a> {
    /// An object with the fields of the error, or its words.
    error: Json<'a>,
    /// The object around it, which may have some of the fields.
    around: Option<Json<'a>>,
}

impl ProviderError<'_> {
    /// Classifies it. `began` says whether a delta was received before: then a failure of the provider is
    /// [`ModelError::Broken`], because the answer has begun.
    pub(crate) fn classify(&self, began: bool, redaction: &Redaction) -> ModelError {
        in_stream(&ErrorFields::new(*self), began, redaction)
    }
}

/// Classifies a response with an error status.
#[must_use]
pub fn from_response(response: &ErrorResponse<'_>, redaction: &Redaction) -> ModelError {
    let body = Json::parse(response.body).ok();
    let error = body.and_then(|body| error_of(body).or(Some(ProviderError { error: body, around: None })));
    let fields = error.map(ErrorFields::new).unwrap_or_default();
    let words = if fields.is_empty() { response.body.to_owned() } else { fields.summary() };
    let source = source(&format!("status {}: {words}", response.status), redaction);
    classified(fields.class_with_status(response.status), response.retry_after, source)
}

/// Classifies a response with status 200 whose body is no stream.
#[must_use]
pub fn from_json_body(body: &str, redaction: &Redaction) -> ModelError {
    match Json::parse(body).ok().and_then(error_of) {
        Some(error) => error.classify(false, redaction),
        None => ModelError::Broken(source(&format!("not a stream: {}", loggable(body)), redaction)),
    }
}

/// Classifies an error that a provider sends outside of the events: plain words, or JSON in any form of an error. `began`
/// says whether a delta was received before.
#[must_use]
pub fn from_stray_text(words: &str, began: bool, redaction: &Redaction) -> ModelError {
    match Json::parse(words) {
        Ok(json) => {
            error_of(json).unwrap_or(ProviderError { error: json, around: None }).classify(began, redaction)
        }
        Err(_) => in_stream(&ErrorFields::from_words(&loggable(words)), began, redaction),
    }
}

/// Returns the words of a provider, unless they seem to be a part of an answer, which must not be in the log.
fn loggable(words: &str) -> Cow<'_, str> {
    // JSON may stand in a text of JSON.
    let plain = words.replace('\\', "");
    if ANSWER_FIELDS.iter().any(|field| plain.contains(field)) {
        return Cow::Owned(format!("{} bytes that look like an answer in another format", words.len()));
    }
    Cow::Borrowed(words)
}

/// The names of fields with text of an answer, in the APIs that are known.
const ANSWER_FIELDS: [&str; 7] =
    ["choices\":", "content\":", "delta\":", "generated_text\":", "output\":", "response\":", "text\":"];

/// Returns the error of a body, in any of the known forms:
///
/// - `{"error":{…}}` and `{"error":"…"}`;
/// - the fields at the top level: `{"object":"error",…}`, `{"type":"error",…}`, `{"success":false,…}`, `{"message":"…"}`;
/// - `{"detail":…}` of `FastAPI`, with words or a list;
/// - `{"errors":[…]}` of Cloudflare;
/// - a list of these, as Gemini sends it.
fn error_of(body: Json<'_>) -> Option<ProviderError<'_>> {
    if body.is_list() {
        return body.items().into_iter().find_map(|item| error_of_event(item, false));
    }
    error_of_event(body, false)
}

/// Returns the error in an event, see [`error_of`]. Beside a part of the answer, only a field `error` is one.
pub(crate) fn error_of_event(event: Json<'_>, has_answer: bool) -> Option<ProviderError<'_>> {
    if let Some(error) = error_field(event) {
        return Some(ProviderError { error, around: Some(event) });
    }
    // Groq's reason for the early end of a stream.
    if let Some(error) = event.get("x_groq").and_then(error_field) {
        return Some(ProviderError { error, around: None });
    }
    let is_named = |name: &str| event.get(name).and_then(Json::string).is_some_and(|value| value == "error");
    let is_error = is_named("object") || is_named("type") || is_named("status");
    let has_failed = || event.get("success").is_some_and(|success| success.as_str() == "false");
    let is_error = is_error || !has_answer && (has_failed() || has_words(event));
    is_error.then_some(ProviderError { error: event, around: None })
}

/// Returns the value of `error`, unless it says that there is none: `null`, `""`, `false`, 0, or an object of these.
fn error_field(object: Json<'_>) -> Option<Json<'_>> {
    let says_nothing = |value: Json<'_>| value.says_nothing() || value.as_str() == "0";
    let is_none = |error: Json<'_>| error.is_object() && error.values().into_iter().all(says_nothing);
    object.get("error").filter(|error| !says_nothing(*error) && !is_none(*error))
}

/// Whether an event that is no part of an answer holds words of an error.
fn has_words(event: Json<'_>) -> bool {
    let value = |name: &str| event.get(name).filter(|value| !value.says_nothing());
    let has_text = |name: &&str| value(name).is_some_and(|value| value.string().is_some());
    let has_list = |name: &&str| value(name).is_some_and(|value| value.is_list() || value.is_object());
    ["message", "msg", "detail", "error_message", "error_msg"].iter().any(has_text)
        || ["detail", "errors"].iter().any(has_list)
}

/// Makes the error for data that is no JSON. It contains no text of the provider, which may be a piece of the answer, unless
/// the data is plain words.
pub(crate) fn unreadable(
    data: &str,
    error: &serde_json::Error,
    began: bool,
    redaction: &Redaction,
) -> ModelError {
    let is_words = !data.starts_with(['{', '"']) && !data.starts_with("[{");
    if is_words {
        return from_stray_text(data, began, redaction);
    }
    broken(&format!(
        "{:?} error in an event, line {} column {}",
        error.classify(),
        error.line(),
        error.column()
    ))
}

/// Makes the error for a stream that breaks a rule.
pub(crate) fn broken(words: &str) -> ModelError {
    ModelError::Broken(Box::new(ProviderMessage(words.to_owned())))
}

/// Makes the error for a provider that cannot answer now.
pub(crate) fn unavailable(words: &str) -> ModelError {
    ModelError::Unavailable(Box::new(ProviderMessage(words.to_owned())))
}

fn in_stream(fields: &ErrorFields, began: bool, redaction: &Redaction) -> ModelError {
    let class = fields.class();
    let class = if class == Class::Unavailable && began { Class::Unknown } else { class };
    classified(class, None, source(&format!("in the stream: {}", fields.summary()), redaction))
}

fn source(words: &str, redaction: &Redaction) -> BoxError {
    Box::new(ProviderMessage(redaction.clean(words)))
}

fn classified(class: Class, retry_after: Option<Duration>, source: BoxError) -> ModelError {
    match class {
        Class::Rejected => ModelError::Rejected(source),
        Class::Refused => ModelError::Refused(source),
        Class::TooLong => ModelError::TooLong(source),
        Class::Busy => ModelError::Busy { retry_after, source },
        Class::Unavailable => ModelError::Unavailable(source),
        Class::Unknown => ModelError::Broken(source),
    }
}
