//! Classifies the errors of providers: in a response with an error status, in a stream, or in a body with status 200.

use std::time::Duration;

use ports::{BoxError, ModelError};
use serde_json::Value;

use crate::Redaction;

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Rejected,
    Refused,
    TooLong,
    Busy,
    Unavailable,
    Unknown,
}

/// Classifies a response with an error status.
#[must_use]
pub fn from_response(response: &ErrorResponse<'_>, redaction: &Redaction) -> ModelError {
    let body: Value = serde_json::from_str(response.body).unwrap_or(Value::Null);
    let fields = ErrorFields::new(error_of(&body).unwrap_or(&body));
    let class = fields.class_with_status(response.status);
    let words = if fields.is_empty() { response.body.to_owned() } else { fields.summary() };
    let source = source(&format!("status {}: {words}", response.status), redaction);
    classified(class, response.retry_after, source)
}

/// Classifies a response with status 200 whose body is no stream.
#[must_use]
pub fn from_json_body(body: &str, redaction: &Redaction) -> ModelError {
    match serde_json::from_str::<Value>(body).ok().as_ref().and_then(error_of) {
        Some(error) => from_stream_event(error, false, redaction),
        None => ModelError::Broken(source(&format!("not a stream: {body}"), redaction)),
    }
}

/// Classifies the error in an event of a stream. `began` says whether a delta was received before: then a failure of the
/// provider is [`ModelError::Broken`], because the answer has begun.
pub(crate) fn from_stream_event(error: &Value, began: bool, redaction: &Redaction) -> ModelError {
    let fields = ErrorFields::new(error);
    let class = match fields.status() {
        Some(status) => fields.class_with_status(status),
        None => fields.class(),
    };
    let class = if class == Class::Unavailable && began { Class::Unknown } else { class };
    classified(class, None, source(&format!("in the stream: {}", fields.summary()), redaction))
}

/// Classifies an error that a provider sends outside of the events: plain words, or JSON in any form of an error. `began`
/// says whether a delta was received before.
#[must_use]
pub fn from_stray_text(words: &str, began: bool, redaction: &Redaction) -> ModelError {
    let body = serde_json::from_str(words).unwrap_or_else(|_| Value::String(words.trim().to_owned()));
    from_stream_event(error_of(&body).unwrap_or(&body), began, redaction)
}

/// Returns the value of `error`, if there is one.
pub(crate) fn error_of(body: &Value) -> Option<&Value> {
    body.get("error").filter(|error| !error.is_null())
}

/// Makes the error for an event that cannot be read. It contains no text of the provider.
pub(crate) fn unreadable(error: &serde_json::Error) -> ModelError {
    let words =
        format!("{:?} error in an event, line {} column {}", error.classify(), error.line(), error.column());
    ModelError::Broken(Box::new(ProviderMessage(words)))
}

/// Makes the error for a stream that breaks a rule.
pub(crate) fn broken(words: &str) -> ModelError {
    ModelError::Broken(Box::new(ProviderMessage(words.to_owned())))
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

/// The fields of an error.
struct ErrorFields<'a> {
    code: Option<&'a str>,
    number: Option<u64>,
    kind: Option<&'a str>,
    message: Option<&'a str>,
    moderated: bool,
}

impl<'a> ErrorFields<'a> {
    fn new(error: &'a Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let metadata = error.get("metadata");
        let has = |name: &str| metadata.and_then(|metadata| metadata.get(name)).is_some();
        Self {
            code: text("code"),
            number: error.get("code").or_else(|| error.get("status")).and_then(Value::as_u64),
            kind: text("type"),
            message: text("message").or_else(|| error.as_str()),
            moderated: has("flagged_input") || has("reasons"),
        }
    }

    fn is_empty(&self) -> bool {
        self.code.is_none() && self.kind.is_none() && self.message.is_none()
    }

    /// Returns the status in the error itself.
    fn status(&self) -> Option<u16> {
        let number = self.number.or_else(|| self.code?.parse().ok())?;
        u16::try_from(number).ok().filter(|status| (400..600).contains(status))
    }

    fn summary(&self) -> String {
        let number = self.number.map(|number| number.to_string());
        let words = [self.kind, self.code, number.as_deref(), self.message];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn is_too_long(&self) -> bool {
        let says = |words: &str| self.message.is_some_and(|message| message.contains(words));
        self.code == Some("context_length_exceeded")
            || says("maximum context length")
            || says("context_length_exceeded")
    }

    fn is_quota_used_up(&self) -> bool {
        [self.code, self.kind].contains(&Some("insufficient_quota"))
    }

    fn class_with_status(&self, status: u16) -> Class {
        match status {
            400 | 413 | 422 if self.is_too_long() => Class::TooLong,
            403 if self.moderated => Class::Rejected,
            401..=403 => Class::Refused,
            // The quota is used up, as with 402.
            429 if self.is_quota_used_up() => Class::Refused,
            429 | 529 => Class::Busy,
            // The answer did not begin, so nothing has to be paid for.
            408 | 425 | 500.. => Class::Unavailable,
            400..500 => Class::Rejected,
            0..400 => Class::Unknown,
        }
    }

    fn class(&self) -> Class {
        if self.is_too_long() {
            return Class::TooLong;
        }
        let class_of = |code: Option<&str>| code.map_or(Class::Unknown, class_of_code);
        match class_of(self.code) {
            Class::Unknown => class_of(self.kind),
            known
            @ (Class::Rejected | Class::Refused | Class::TooLong | Class::Busy | Class::Unavailable) => known,
        }
    }
}

/// Returns the class of a code or a type of `OpenAI` and compatible servers.
fn class_of_code(code: &str) -> Class {
    match code {
        "rate_limit_exceeded" | "rate_limit_error" | "too_many_requests" | "overloaded_error" => Class::Busy,
        "invalid_api_key" | "authentication_error" | "permission_error" | "insufficient_quota" => {
            Class::Refused
        }
        "server_error"
        | "internal_error"
        | "api_error"
        | "model_error"
        | "service_unavailable"
        | "vector_store_timeout" => Class::Unavailable,
        "model_not_found" | "not_found" | "content_policy_violation" | "BadRequestError" => Class::Rejected,
        other if other.starts_with("invalid_") => Class::Rejected,
        other if other.contains("image") => Class::Rejected,
        _ => Class::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use domain::FailureKind;
    use ports::Retry;

    use super::*;

    fn error_of_response(status: u16, body: &str) -> ModelError {
        from_response(&ErrorResponse { status, retry_after: None, body }, &Redaction::new("canary"))
    }

    #[test]
    fn every_status_has_a_class() {
        for (status, failure) in [
            (400, FailureKind::Rejected),
            (401, FailureKind::Unauthorized),
            (402, FailureKind::Unauthorized),
            (403, FailureKind::Unauthorized),
            (404, FailureKind::Rejected),
            (408, FailureKind::Unavailable),
            (413, FailureKind::Rejected),
            (422, FailureKind::Rejected),
            (429, FailureKind::RateLimited),
            (500, FailureKind::Unavailable),
            (503, FailureKind::Unavailable),
            (529, FailureKind::RateLimited),
            (301, FailureKind::Broken),
            (204, FailureKind::Broken),
        ] {
            for body in ["", "{}", "<html>", r#"{"error":{"message":"no"}}"#] {
                assert_eq!(error_of_response(status, body).failure(), failure, "{status} {body}");
            }
        }
    }

    #[test]
    fn input_that_is_too_long_has_a_class_of_its_own() {
        let coded =
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        let worded =
            r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 8192 tokens."}}"#;
        for body in [coded, worded] {
            assert!(matches!(error_of_response(400, body), ModelError::TooLong(_)));
        }
    }

    #[test]
    fn a_moderated_request_is_rejected() {
        let body = r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#;
        assert!(matches!(error_of_response(403, body), ModelError::Rejected(_)));
    }

    #[test]
    fn a_used_up_quota_is_not_retried() {
        let body = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        let error = error_of_response(429, body);
        assert_eq!((error.retry(), error.failure()), (Retry::Never, FailureKind::Unauthorized));
    }

    #[test]
    fn the_pause_of_the_provider_is_used() {
        let pause = Some(Duration::from_secs(7));
        let error = from_response(
            &ErrorResponse { status: 429, retry_after: pause, body: "" },
            &Redaction::default(),
        );
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
    }

    #[test]
    fn the_message_of_the_provider_is_only_for_logs_and_without_keys() {
        let body = r#"{"error":{"message":"Incorrect API key provided: canary, sk-abc123","code":"invalid_api_key"}}"#;
        let error = error_of_response(401, body);
        assert_eq!(error.to_string(), "the provider refused the key");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "status 401: invalid_api_key, Incorrect API key provided: [hidden], [hidden]");
        assert!(!format!("{error:?}").contains("canary"));
        assert!(!error_of_response(500, "<b>canary</b>").source().unwrap().to_string().contains("canary"));
    }

    #[test]
    fn errors_in_a_stream_are_classified_by_number_or_code() {
        let redaction = Redaction::default();
        for (error, failure) in [
            (r#"{"code":502,"message":"down"}"#, FailureKind::Unavailable),
            (r#"{"code":"429","message":"slow"}"#, FailureKind::RateLimited),
            (r#"{"code":400,"type":"BadRequestError"}"#, FailureKind::Rejected),
            (r#"{"code":"rate_limit_exceeded"}"#, FailureKind::RateLimited),
            (r#"{"type":"server_error","code":null}"#, FailureKind::Unavailable),
            (r#"{"code":"context_length_exceeded"}"#, FailureKind::Rejected),
            (r#"{"code":"image_too_large"}"#, FailureKind::Rejected),
            (r#""words alone""#, FailureKind::Broken),
            (r#"{"message":"?"}"#, FailureKind::Broken),
        ] {
            let error = serde_json::from_str(error).unwrap();
            assert_eq!(from_stream_event(&error, false, &redaction).failure(), failure, "{error}");
        }
        let down = serde_json::json!({"code": 502});
        assert!(matches!(from_stream_event(&down, true, &redaction), ModelError::Broken(_)));
    }

    #[test]
    fn a_json_body_with_status_200_may_contain_an_error() {
        let redaction = Redaction::default();
        let body = r#"{"error":{"code":429,"message":"slow down"}}"#;
        assert_eq!(from_json_body(body, &redaction).failure(), FailureKind::RateLimited);
        for body in ["", "{}", "[]", r#"{"choices":[]}"#, r#"{"error":null}"#] {
            assert_eq!(from_json_body(body, &redaction).failure(), FailureKind::Broken, "{body}");
        }
    }
}
