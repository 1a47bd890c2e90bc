//! How routes refuse: each example is made from the error itself, so that it reads as the service writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::StatusCode;
use domain::{Failure, FailureKind};
use serde_json::Value;
use services::{Quota, RateLimited, SendError, TurnFailure};
use utoipa::openapi::Response;

use super::{headers, operation};
use crate::error::ApiError;
use crate::routes::Rules;

const A_SECOND: Duration = Duration::from_secs(1);
/// The usual bound of a JSON body.
const BODY_BYTES: usize = 1024 * 1024;

/// Of every route, as far as it asks who is calling and reads the store.
pub(super) fn of_every_route(private: bool, uses_store: bool) -> Vec<ApiError> {
    let mut refusals = vec![ApiError::internal(String::new())];
    if private {
        refusals.extend([ApiError::no_token(), ApiError::bad_token()]);
    }
    if uses_store {
        refusals.push(ApiError::no_database());
    }
    refusals
}

/// Of every route that reads a body.
pub(super) fn of_a_body() -> Vec<ApiError> {
    let broken = "The body is not valid JSON (line 1, column 2)";
    vec![ApiError::malformed(broken), ApiError::too_large(BODY_BYTES), ApiError::too_slow()]
}

/// Of every route that reads a form with a file.
pub(super) fn of_a_form() -> Vec<ApiError> {
    vec![ApiError::broken_form("The Content-Type must be multipart/form-data"), ApiError::too_slow()]
}

/// Of every route that runs a turn.
pub(super) fn of_a_turn() -> Vec<ApiError> {
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
        [SendError::Busy { retry_after: A_SECOND }.into(), SendError::ShuttingDown.into(), too_many()];
    failed.chain(refused).collect()
}

/// Of every route with a limit.
pub(super) fn too_many() -> ApiError {
    ApiError::too_many(RateLimited { quota: Quota { limit: 10, remaining: 0, reset_after: A_SECOND } })
}

/// The responses, one for each status, with an example for each code.
pub(super) fn responses(refusals: &[ApiError], rules: &Rules) -> BTreeMap<u16, Response> {
    let mut by_status: BTreeMap<u16, BTreeMap<&'static str, Value>> = BTreeMap::new();
    for refusal in refusals {
        let (status, code, body) = refusal.example(rules);
        // What comes later is the route's own, and more telling.
        by_status.entry(status.as_u16()).or_default().insert(code, body);
    }
    by_status.into_iter().map(|(status, examples)| (status, response(status, examples))).collect()
}

fn response(status: u16, examples: BTreeMap<&'static str, Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let codes: Vec<String> = examples.keys().map(|code| format!("`{code}`")).collect();
    let reason = status.canonical_reason().unwrap_or("Refused");
    let mut response = operation::refusal(format!("{reason}: {}", codes.join(", ")), examples.into_iter());
    headers::of_a_refusal(&mut response, status);
    response
}
