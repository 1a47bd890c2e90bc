//! Every error on its way out: one shape for all contracts (C-4), one table from class to status (C-14).

mod table;

use std::fmt;
use std::time::Duration;

use actix_cors::CorsError;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use domain::{Contract, ErrorKind, chain};
use serde::Serialize;
use services::{Fault, RateLimited};

use crate::extract::FieldError;
use crate::routes::Rules;
use crate::wire::{CallHeaders, whole_seconds};

/// What a handler answers.
pub(crate) type HandlerResult = Result<HttpResponse, ApiError>;

/// An error that a client is to be told. The contract's words for it are found when the answer is written.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Details>);

#[derive(Debug)]
struct Details {
    class: Class,
    code: &'static str,
    message: String,
    param: Option<String>,
    retry_after: Option<Duration>,
    /// The error with all its causes, for the log.
    chain: Option<String>,
    headers: CallHeaders,
    allow: Option<String>,
}

/// What went wrong. A service knows a part of it; the rest only HTTP knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// As a service says.
    Kind(ErrorKind),
    /// The body is no JSON where JSON is expected, or no form where a form is.
    Malformed,
    /// A field, a query value or a path value breaks a rule.
    Field,
    /// The path has no such method.
    Method,
    /// The client took too long to send its body.
    Slow,
}

/// A message without anything of the inside, for faults of ours.
const INTERNAL: &str = "Internal server error";

impl ApiError {
    fn new(class: Class, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Details {
            class,
            code,
            message,
            param: None,
            retry_after: None,
            chain: None,
            headers: CallHeaders::default(),
            allow: None,
        }))
    }

    /// Nothing is at this path.
    pub(crate) fn no_route() -> Self {
        Self::new(Class::Kind(ErrorKind::NotFound), "not_found", "Not found")
    }

    /// The path exists, for these methods.
    pub(crate) fn no_method<'a>(allowed: impl Iterator<Item = &'a Method>) -> Self {
        let mut error = Self::new(Class::Method, "method_not_allowed", "Method not allowed");
        error.0.allow = Some(allowed.map(Method::as_str).collect::<Vec<_>>().join(", "));
        error
    }

    /// The path's id can be none of a conversation.
    pub(crate) fn no_conversation() -> Self {
        Self::new(Class::Kind(ErrorKind::NotFound), "conversation_not_found", "Conversation not found")
    }

    /// The path's id can be none of a turn.
    pub(crate) fn no_turn() -> Self {
        Self::new(Class::Kind(ErrorKind::NotFound), "turn_not_found", "Turn not found")
    }

    /// Nobody says who is asking.
    pub(crate) fn no_token() -> Self {
        Self::new(
            Class::Kind(ErrorKind::Unauthenticated),
            "missing_token",
            "Authentication is required: send the header `Authorization: Bearer <token>`",
        )
    }

    /// The token can be none.
    pub(crate) fn bad_token() -> Self {
        Self::new(Class::Kind(ErrorKind::Unauthenticated), "invalid_token", "Invalid or expired token")
    }

    /// The body is not JSON.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(Class::Malformed, "invalid_json", message)
    }

    /// The body is no multipart form.
    pub(crate) fn broken_form(message: impl Into<String>) -> Self {
        Self::new(Class::Malformed, "invalid_form", message)
    }

    /// The body is larger than this many bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("The body has more than {limit} bytes");
        Self::new(Class::Kind(ErrorKind::TooLarge), "payload_too_large", message)
    }

    /// The body came too slowly.
    pub(crate) fn too_slow() -> Self {
        Self::new(Class::Slow, "request_timeout", "The body did not arrive in time")
    }

    /// The database is away.
    pub(crate) fn no_database() -> Self {
        let kind = Class::Kind(ErrorKind::Unavailable);
        Self::new(kind, "database_unavailable", "The database is not available")
    }

    /// A handler panicked.
    pub(crate) fn panicked() -> Self {
        Self::internal("a panic ended the request".to_owned())
    }

    /// A fault of ours; only the log learns which.
    pub(crate) fn internal(chain: String) -> Self {
        let mut error = Self::new(Class::Kind(ErrorKind::Internal), "internal_error", INTERNAL);
        error.0.chain = Some(chain);
        error
    }

    /// A page asks for what its origin may not do. It learns no more than that.
    fn no_page() -> Self {
        let message = "Pages of this origin may not make this call";
        Self::new(Class::Kind(ErrorKind::Forbidden), "origin_not_allowed", message)
    }

    /// An error of the framework's, in our words.
    pub(crate) fn foreign(error: &actix_web::Error) -> Self {
        if error.as_error::<CorsError>().is_some() {
            return Self::no_page();
        }
        let status = error.as_response_error().status_code();
        match status {
            StatusCode::NOT_FOUND => Self::no_route(),
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(Class::Kind(ErrorKind::TooLarge), "payload_too_large", "The body is too large")
            }
            status if status.is_client_error() => {
                Self::new(Class::Kind(ErrorKind::Invalid), "bad_request", "Bad request")
            }
            _ => Self::internal(error.to_string()),
        }
    }

    /// The call comes too early for its limit.
    pub(crate) fn too_many(limited: RateLimited) -> Self {
        Self::from(limited).with(&CallHeaders::of(Some(limited.quota)))
    }

    /// The same, of a call that was counted, or of a turn that had begun.
    pub(crate) fn with(mut self, headers: &CallHeaders) -> Self {
        self.0.headers = headers.clone();
        self
    }

    /// The error with all its causes, where it is not the client's.
    pub(crate) fn chain(&self) -> Option<&str> {
        self.0.chain.as_deref()
    }

    /// The stable word for it.
    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    /// The answer, in the words of a route's contract.
    pub(crate) fn answer(&self, rules: &Rules) -> HttpResponse {
        let details = &self.0;
        if table::is_hidden(rules.contract, details.code) {
            return Self::no_conversation().answer(rules);
        }
        let status = table::status(rules, details.class);
        let mut answer = HttpResponseBuilder::new(status);
        if status == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, table::challenge(details.code)));
        }
        if let Some(pause) = details.retry_after.or_else(|| table::usual_pause(status)) {
            answer.insert_header((RETRY_AFTER, seconds(pause)));
        }
        if let Some(allow) = &details.allow {
            answer.insert_header((ALLOW, allow.as_str()));
        }
        details.headers.put_on(&mut answer);
        answer.json(self.body(rules, status))
    }

    /// What the API description shows of it: its status, its code and its body, as a route's contract has them.
    pub(crate) fn example(&self, rules: &Rules) -> (StatusCode, &'static str, serde_json::Value) {
        if table::is_hidden(rules.contract, self.0.code) {
            return Self::no_conversation().example(rules);
        }
        let status = table::status(rules, self.0.class);
        (status, self.0.code, serde_json::to_value(self.body(rules, status)).unwrap_or_default())
    }

    fn body(&self, rules: &Rules, status: StatusCode) -> ErrorBody<'_> {
        let Details { code, message, param, .. } = self.0.as_ref();
        let message = table::own_words(rules.contract, code).unwrap_or(message);
        ErrorBody::new(message, table::type_of(status, code), code, param.as_deref())
    }
}

/// Whole seconds, at least one, never too early.
fn seconds(pause: Duration) -> u64 {
    whole_seconds(pause).max(1)
}

impl<F: Fault> From<F> for ApiError {
    fn from(fault: F) -> Self {
        let kind = fault.kind();
        let ours = matches!(kind, ErrorKind::Upstream | ErrorKind::Unavailable | ErrorKind::Internal);
        let message = if kind == ErrorKind::Internal { INTERNAL.to_owned() } else { fault.to_string() };
        let mut error = Self::new(Class::Kind(kind), fault.code(), message);
        error.0.param = fault.param().map(str::to_owned);
        error.0.retry_after = fault.retry_after();
        error.0.chain = ours.then(|| chain(&fault));
        error
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        let FieldError { param, message } = error;
        let mut error = Self::new(Class::Field, "validation_error", message);
        error.0.param = param;
        error
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        table::status(&Rules::of(Contract::LlmChat), self.0.class)
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(&Rules::of(Contract::LlmChat))
    }
}

/// The body of every error (C-4): S1 and S4 read `detail`, S0 reads `error`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Error, description = "The body of every error.")]
pub(crate) struct ErrorBody<'a> {
    /// What went wrong, in a sentence.
    detail: &'a str,
    error: ErrorObject<'a>,
}

/// An error, as S0 writes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "The error, for programs.")]
pub(crate) struct ErrorObject<'a> {
    /// The same sentence.
    message: &'a str,
    /// The class.
    #[serde(rename = "type")]
    kind: &'static str,
    /// A stable word, for programs.
    code: &'static str,
    /// The field that is to blame, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

impl<'a> ErrorBody<'a> {
    fn new(message: &'a str, kind: &'static str, code: &'static str, param: Option<&'a str>) -> Self {
        Self { detail: message, error: ErrorObject { message, kind, code, param } }
    }

    /// The body for a service that is not usable, beside what else its answer says.
    pub(crate) fn unavailable(message: &'a str, code: &'static str) -> Self {
        Self::new(message, table::type_of(StatusCode::SERVICE_UNAVAILABLE, code), code, None)
    }
}

impl<'a> ErrorBody<'a> {
    /// The body for an error that comes in the middle of a stream.
    pub(crate) fn in_stream(fault: &impl Fault, message: &'a str) -> Self {
        Self { detail: message, error: ErrorObject::in_stream(fault, message) }
    }
}

impl<'a> ErrorObject<'a> {
    /// An error that comes in the middle of a stream, whose status is out already.
    pub(crate) fn in_stream(fault: &impl Fault, message: &'a str) -> Self {
        let status = table::status(&Rules::of(Contract::LlmChat), Class::Kind(fault.kind()));
        let code = fault.code();
        Self { message, kind: table::type_of(status, code), code, param: None }
    }
}

#[cfg(test)]
mod tests;
