//! The classes of a provider's errors, whichever way they come: as a status, in a stream, in a body under status 200.

use std::time::Duration;

use ports::{BoxError, ModelError};
use serde_json::Value;

use crate::Redaction;

/// An answer that is no stream.
#[derive(Debug, Clone, Copy)]
pub struct ErrorResponse<'a> {
    /// Its status.
    pub status: u16,
    /// The pause that it asks for.
    pub retry_after: Option<Duration>,
    /// Its body, or the beginning of it.
    pub body: &'a str,
}

/// What the provider said: for logs only, cleaned of keys.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ProviderWords(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Rejected,
    Refused,
    TooLong,
    Busy,
    Unavailable,
    Unknown,
}

/// The error of an answer with another status than 200.
#[must_use]
pub fn of_an_answer(answer: &ErrorResponse<'_>, redaction: &Redaction) -> ModelError {
    let body: Value = serde_json::from_str(answer.body).unwrap_or(Value::Null);
    let said = Said::of(error_of(&body).unwrap_or(&body));
    let class = said.class_under(answer.status);
    let words = if said.is_silent() { answer.body.to_owned() } else { said.words() };
    let source = source(&format!("status {}: {words}", answer.status), redaction);
    classified(class, answer.retry_after, source)
}

/// The error of an answer with status 200 that is no stream.
#[must_use]
pub fn in_a_json_answer(body: &str, redaction: &Redaction) -> ModelError {
    match serde_json::from_str::<Value>(body).ok().as_ref().and_then(error_of) {
        Some(error) => in_a_stream(error, false, redaction),
        None => ModelError::Broken(source(&format!("not a stream: {body}"), redaction)),
    }
}

/// The error that an event of a stream holds. A failure of the provider's in the middle of an answer breaks it;
/// before the first piece the answer has not begun.
pub(crate) fn in_a_stream(error: &Value, began: bool, redaction: &Redaction) -> ModelError {
    let said = Said::of(error);
    let class = match said.status() {
        Some(status) => said.class_under(status),
        None => said.class(),
    };
    let class = if class == Class::Unavailable && began { Class::Unknown } else { class };
    classified(class, None, source(&format!("in the stream: {}", said.words()), redaction))
}

/// The object or text under `error`, where there is one.
pub(crate) fn error_of(body: &Value) -> Option<&Value> {
    body.get("error").filter(|error| !error.is_null())
}

/// The error for what cannot be read. It holds nothing of the provider's.
pub(crate) fn unreadable(error: &serde_json::Error) -> ModelError {
    let words =
        format!("{:?} error in an event, line {} column {}", error.classify(), error.line(), error.column());
    ModelError::Broken(Box::new(ProviderWords(words)))
}

/// The error for a stream that is readable and breaks a rule.
pub(crate) fn broken(words: &str) -> ModelError {
    ModelError::Broken(Box::new(ProviderWords(words.to_owned())))
}

fn source(words: &str, redaction: &Redaction) -> BoxError {
    Box::new(ProviderWords(redaction.clean(words)))
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

/// The fields of an error, as far as they are there.
struct Said<'a> {
    code: Option<&'a str>,
    number: Option<u64>,
    kind: Option<&'a str>,
    message: Option<&'a str>,
    moderated: bool,
}

impl<'a> Said<'a> {
    fn of(error: &'a Value) -> Self {
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

    fn is_silent(&self) -> bool {
        self.code.is_none() && self.kind.is_none() && self.message.is_none()
    }

    /// The status that the error itself names.
    fn status(&self) -> Option<u16> {
        let number = self.number.or_else(|| self.code?.parse().ok())?;
        u16::try_from(number).ok().filter(|status| (400..600).contains(status))
    }

    fn words(&self) -> String {
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

    fn says_spent(&self) -> bool {
        [self.code, self.kind].contains(&Some("insufficient_quota"))
    }

    fn class_under(&self, status: u16) -> Class {
        match status {
            400 | 413 | 422 if self.is_too_long() => Class::TooLong,
            403 if self.moderated => Class::Rejected,
            401..=403 => Class::Refused,
            // Nothing is left to spend: as 402.
            429 if self.says_spent() => Class::Refused,
            429 | 529 => Class::Busy,
            // It gave up before it began, so nothing is paid for.
            408 | 425 | 500.. => Class::Unavailable,
            400..500 => Class::Rejected,
            0..400 => Class::Unknown,
        }
    }

    fn class(&self) -> Class {
        if self.is_too_long() {
            return Class::TooLong;
        }
        let of_word = |word: Option<&str>| word.map_or(Class::Unknown, class_of_word);
        match of_word(self.code) {
            Class::Unknown => of_word(self.kind),
            known
            @ (Class::Rejected | Class::Refused | Class::TooLong | Class::Busy | Class::Unavailable) => known,
        }
    }
}

/// The class of a code or a type, as `OpenAI` and servers like it name them.
fn class_of_word(word: &str) -> Class {
    match word {
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

    fn answered(status: u16, body: &str) -> ModelError {
        of_an_answer(&ErrorResponse { status, retry_after: None, body }, &Redaction::of("canary"))
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
                assert_eq!(answered(status, body).failure(), failure, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_apart() {
        let coded =
            r#"{"error":{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}}"#;
        let worded =
            r#"{"error":{"code":400,"message":"This endpoint's maximum context length is 8192 tokens."}}"#;
        for body in [coded, worded] {
            assert!(matches!(answered(400, body), ModelError::TooLong(_)));
        }
    }

    #[test]
    fn moderation_is_no_matter_of_the_key() {
        let body = r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#;
        assert!(matches!(answered(403, body), ModelError::Rejected(_)));
    }

    #[test]
    fn a_spent_account_is_no_matter_of_waiting() {
        let body = r#"{"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}}"#;
        let error = answered(429, body);
        assert_eq!((error.retry(), error.failure()), (Retry::Never, FailureKind::Unauthorized));
    }

    #[test]
    fn a_named_pause_is_kept() {
        let pause = Some(Duration::from_secs(7));
        let error =
            of_an_answer(&ErrorResponse { status: 429, retry_after: pause, body: "" }, &Redaction::default());
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(7)));
    }

    #[test]
    fn the_providers_words_are_for_logs_only_and_without_keys() {
        let body = r#"{"error":{"message":"Incorrect API key provided: canary, sk-abc123","code":"invalid_api_key"}}"#;
        let error = answered(401, body);
        assert_eq!(error.to_string(), "the provider refused the key");
        let source = error.source().unwrap().to_string();
        assert_eq!(source, "status 401: invalid_api_key, Incorrect API key provided: [hidden], [hidden]");
        assert!(!format!("{error:?}").contains("canary"));
        assert!(!answered(500, "<b>canary</b>").source().unwrap().to_string().contains("canary"));
    }

    #[test]
    fn errors_in_a_stream_are_classified_by_number_or_word() {
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
            assert_eq!(in_a_stream(&error, false, &redaction).failure(), failure, "{error}");
        }
        let down = serde_json::json!({"code": 502});
        assert!(matches!(in_a_stream(&down, true, &redaction), ModelError::Broken(_)));
    }

    #[test]
    fn a_json_answer_may_hold_an_error_under_status_200() {
        let redaction = Redaction::default();
        let body = r#"{"error":{"code":429,"message":"slow down"}}"#;
        assert_eq!(in_a_json_answer(body, &redaction).failure(), FailureKind::RateLimited);
        for body in ["", "{}", "[]", r#"{"choices":[]}"#, r#"{"error":null}"#] {
            assert_eq!(in_a_json_answer(body, &redaction).failure(), FailureKind::Broken, "{body}");
        }
    }
}
