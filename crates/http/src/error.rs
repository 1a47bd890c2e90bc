//! Errors as clients see them: one body for all contracts (C-4), and one table from class to status (C-14).

mod field;
mod table;

use std::fmt;
use std::time::Duration;

use actix_cors::CorsError;
use actix_web::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use domain::{Contract, ErrorCode, ErrorKind, chain};
use serde::Serialize;
use services::{DescribeError, ErrorDescription, RateLimited};

use crate::rules::Rules;
use crate::wire::{CallHeaders, whole_seconds};
pub(crate) use field::FieldError;

/// The result of a handler.
pub(crate) type HandlerResult = Result<HttpResponse, ApiError>;

/// An error of a request. Its status and message depend on the contract of the endpoint: they are chosen when the
/// response is made.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Details>);

#[derive(Debug)]
struct Details {
    code: ErrorCode,
    message: String,
    param: Option<String>,
    retry_after: Option<Duration>,
    /// The error with all its causes, for the log.
    chain: Option<String>,
    headers: CallHeaders,
    allow: Option<String>,
}

/// The message of every internal error: the cause is only logged.
const INTERNAL: &str = "Internal server error";

impl ApiError {
    fn new(description: impl Into<ErrorDescription>, message: impl Into<String>) -> Self {
        let ErrorDescription { code, param, retry_after } = description.into();
        Self(Box::new(Details {
            code,
            message: message.into(),
            param: param.map(str::to_owned),
            retry_after,
            chain: None,
            headers: CallHeaders::default(),
            allow: None,
        }))
    }

    /// No endpoint has this path.
    pub(crate) fn no_route() -> Self {
        Self::new(ErrorCode::NotFound, "Not found")
    }

    /// No endpoint with this path has this method; `allowed` are the methods that it has.
    pub(crate) fn no_method<'a>(allowed: impl Iterator<Item = &'a Method>) -> Self {
        let mut error = Self::new(ErrorCode::MethodNotAllowed, "Method not allowed");
        error.0.allow = Some(allowed.map(Method::as_str).collect::<Vec<_>>().join(", "));
        error
    }

    /// The id in the path is not the id of a conversation.
    pub(crate) fn no_conversation() -> Self {
        Self::new(ErrorCode::ConversationNotFound, "Conversation not found")
    }

    /// The id in the path is not the id of a turn.
    pub(crate) fn no_turn() -> Self {
        Self::new(ErrorCode::TurnNotFound, "Turn not found")
    }

    /// The request has no token.
    pub(crate) fn no_token() -> Self {
        Self::new(
            ErrorCode::MissingToken,
            "Authentication is required: send the header `Authorization: Bearer <token>`",
        )
    }

    /// The `Authorization` header does not hold one bearer token.
    pub(crate) fn bad_token() -> Self {
        Self::new(ErrorCode::InvalidToken, "Invalid or expired token")
    }

    /// The body is not JSON.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidJson, message)
    }

    /// The body is not a multipart form.
    pub(crate) fn broken_form(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidForm, message)
    }

    /// The body is larger than `limit` bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(ErrorCode::PayloadTooLarge, format!("The body has more than {limit} bytes"))
    }

    /// The body did not arrive in time.
    pub(crate) fn too_slow() -> Self {
        Self::new(ErrorCode::RequestTimeout, "The body did not arrive in time")
    }

    /// The database is not available.
    pub(crate) fn no_database() -> Self {
        Self::new(ErrorCode::DatabaseUnavailable, "The database is not available")
    }

    /// A handler panicked.
    pub(crate) fn panicked() -> Self {
        Self::internal("a panic ended the request".to_owned())
    }

    /// An error of the service itself. `chain` is only logged.
    pub(crate) fn internal(chain: String) -> Self {
        let mut error = Self::new(ErrorCode::InternalError, INTERNAL);
        error.0.chain = Some(chain);
        error
    }

    /// An error of the web framework.
    pub(crate) fn from_framework(error: &actix_web::Error) -> Self {
        if error.as_error::<CorsError>().is_some() {
            // The message does not say why.
            return Self::new(ErrorCode::OriginNotAllowed, "Pages of this origin may not make this call");
        }
        let status = error.as_response_error().status_code();
        match status {
            StatusCode::NOT_FOUND => Self::no_route(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(ErrorCode::PayloadTooLarge, "The body is too large"),
            status if status.is_client_error() => Self::new(ErrorCode::BadRequest, "Bad request"),
            _ => Self::internal(error.to_string()),
        }
    }

    /// The caller has used up a rate limit.
    pub(crate) fn too_many(limited: RateLimited) -> Self {
        Self::from(limited).with_headers(&CallHeaders::new(Some(limited.quota)))
    }

    /// The same error, with the headers of a call that was counted or has started a turn.
    pub(crate) fn with_headers(mut self, headers: &CallHeaders) -> Self {
        self.0.headers = headers.clone();
        self
    }

    /// The error with all its causes, if it must be logged.
    pub(crate) fn chain(&self) -> Option<&str> {
        self.0.chain.as_deref()
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        self.0.code.as_str()
    }

    /// The response, in the form of the endpoint's contract.
    pub(crate) fn to_response(&self, rules: &Rules) -> HttpResponse {
        let details = &self.0;
        if table::is_hidden(rules.contract, details.code) {
            return Self::no_conversation().to_response(rules);
        }
        let status = table::status(rules, details.code.kind());
        let mut response = HttpResponseBuilder::new(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((WWW_AUTHENTICATE, table::challenge(details.code)));
        }
        if let Some(pause) = details.retry_after {
            response.insert_header((RETRY_AFTER, seconds(pause)));
        }
        if let Some(allow) = &details.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        details.headers.put_on(&mut response);
        response.json(self.body(rules))
    }

    /// Status, code and body in the form of the endpoint's contract, for the API description.
    pub(crate) fn example(&self, rules: &Rules) -> (StatusCode, &'static str, serde_json::Value) {
        let code = self.0.code;
        if table::is_hidden(rules.contract, code) {
            return Self::no_conversation().example(rules);
        }
        let status = table::status(rules, code.kind());
        (status, code.as_str(), serde_json::to_value(self.body(rules)).unwrap_or_default())
    }

    fn body(&self, rules: &Rules) -> ErrorBody<'_> {
        let Details { code, message, param, .. } = self.0.as_ref();
        let message = table::contract_message(rules.contract, *code).unwrap_or(message);
        ErrorBody::new(message, *code, param.as_deref())
    }
}

/// The pause in whole seconds, rounded up, at least one.
fn seconds(pause: Duration) -> u64 {
    whole_seconds(pause).max(1)
}

impl<E: DescribeError> From<E> for ApiError {
    fn from(error: E) -> Self {
        let description = error.describe();
        let kind = description.code.kind();
        let message = if kind == ErrorKind::Internal { INTERNAL.to_owned() } else { error.to_string() };
        let mut api_error = Self::new(description, message);
        api_error.0.chain = table::is_for_operators(kind).then(|| chain(&error));
        api_error
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        let FieldError { param, message } = error;
        let mut api_error = Self::new(ErrorCode::ValidationError, message);
        api_error.0.param = param;
        api_error
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        table::status(&Rules::new(Contract::LlmChat), self.0.code.kind())
    }

    fn error_response(&self) -> HttpResponse {
        self.to_response(&Rules::new(Contract::LlmChat))
    }
}

/// The body of every error (C-4): clients of S1 and S4 read `detail`, clients of S0 read `error`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Error, description = "The body of every error.")]
pub(crate) struct ErrorBody<'a> {
    /// A sentence that says what is wrong.
    detail: &'a str,
    error: ErrorObject<'a>,
}

/// An error in the form of S0.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(description = "The error in a form for programs.")]
pub(crate) struct ErrorObject<'a> {
    /// The same sentence as in `detail`.
    message: &'a str,
    /// The class of the error, such as `invalid_request_error` or `rate_limit_error`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The stable code of the error. Programs should match on it.
    code: &'static str,
    /// The name of the invalid field or parameter, if the error is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
}

impl<'a> ErrorBody<'a> {
    pub(crate) fn new(message: &'a str, code: ErrorCode, param: Option<&'a str>) -> Self {
        Self { detail: message, error: ErrorObject::new(message, code, param) }
    }

    /// The body of an error that occurs in the middle of a stream.
    pub(crate) fn in_stream(error: &impl DescribeError, message: &'a str) -> Self {
        Self { detail: message, error: ErrorObject::in_stream(error, message) }
    }
}

impl<'a> ErrorObject<'a> {
    fn new(message: &'a str, code: ErrorCode, param: Option<&'a str>) -> Self {
        Self { message, kind: table::error_type(code), code: code.as_str(), param }
    }

    /// An error in the middle of a stream, whose status has already been sent.
    pub(crate) fn in_stream(error: &impl DescribeError, message: &'a str) -> Self {
        Self::new(message, error.describe().code, None)
    }
}

#[cfg(test)]
mod tests;
