//! The errors of operations. Each example is made from an error value, so it is exactly what the service sends.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use domain::{Failure, FailureKind};
use serde_json::Value;
use services::{Quota, RateLimited, SendError, TurnFailure};
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::{ContentBuilder, Ref, Response, ResponseBuilder};

use super::headers;
use crate::error::ApiError;
use crate::rules::Rules;

/// The name of the schema of every error.
pub(crate) const ERROR_SCHEMA: &str = "Error";

const A_SECOND: Duration = Duration::from_secs(1);
/// The default limit of a JSON body.
const BODY_BYTES: usize = 1024 * 1024;

/// The errors of every operation. One that needs a token also reads the account, so it uses the database.
pub(super) fn common(private: bool) -> Vec<ApiError> {
    let mut errors = vec![ApiError::internal(String::new())];
    if private {
        errors.extend([ApiError::no_token(), ApiError::bad_token(), ApiError::no_database()]);
    }
    errors
}

/// The errors of every operation that reads a JSON body.
pub(super) fn body() -> Vec<ApiError> {
    let broken = "The body is not valid JSON (line 1, column 2)";
    vec![ApiError::malformed(broken), ApiError::too_large(BODY_BYTES), ApiError::too_slow()]
}

/// The errors of every operation that reads a form with a file.
pub(super) fn form() -> Vec<ApiError> {
    vec![ApiError::broken_form("The Content-Type must be multipart/form-data"), ApiError::too_slow()]
}

/// The errors of every operation that starts a turn.
pub(super) fn turn() -> Vec<ApiError> {
    let failed = [
        FailureKind::Rejected,
        FailureKind::Unauthorized,
        FailureKind::RateLimited,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
        FailureKind::NotConfigured,
    ];
    let failed = failed
        .into_iter()
        .map(|kind| ApiError::from(TurnFailure::Failed(Failure { kind, retry_after: Some(A_SECOND) })));
    let refused =
        [SendError::Busy { retry_after: A_SECOND }.into(), SendError::ShuttingDown.into(), rate_limit()];
    failed.chain(refused).collect()
}

/// The error of every operation with a rate limit.
pub(super) fn rate_limit() -> ApiError {
    ApiError::too_many(RateLimited { quota: Quota { limit: 10, remaining: 0, reset_after: A_SECOND } })
}

/// The responses, one for each status, with an example for each code.
pub(super) fn responses(errors: &[ApiError], rules: &Rules) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, BTreeMap<&'static str, Value>> = BTreeMap::new();
    for error in errors {
        let (status, code, body) = error.example(rules);
        // Errors that the operation itself has added come later, and are more specific.
        by_status.entry(status.as_u16()).or_default().insert(code, body);
    }
    by_status.into_iter().map(|(status, examples)| (status, response(status, examples))).collect()
}

fn response(status: u16, examples: BTreeMap<&'static str, Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let codes: Vec<String> = examples.keys().map(|code| format!("`{code}`")).collect();
    let reason = status.canonical_reason().unwrap_or("Error");
    let named = examples.into_iter();
    let named = named.map(|(code, body)| (code, ExampleBuilder::new().value(Some(body)).build()));
    let schema = Ref::from_schema_name(ERROR_SCHEMA);
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(named).build();
    let description = format!("{reason}: {}", codes.join(", "));
    let mut response =
        ResponseBuilder::new().description(description).content("application/json", content).build();
    headers::put_error(&mut response, status);
    response
}
