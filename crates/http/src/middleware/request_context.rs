//! What every response gets: a request id, security headers, the error body of its contract, and a line in the log.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use domain::Contract;
use tracing::Instrument;
use uuid::Uuid;

use super::cors;
use super::unread_body::PayloadGuard;
use crate::error::ApiError;
use crate::rules::Rules;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARS: usize = 128;

/// Runs a request in a span with its id, and completes and logs the response.
pub(crate) async fn run(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let payload = PayloadGuard::new(&mut request);
    let id = request_id(request.headers());
    // The turn that the request starts records its id in the span.
    let turn = tracing::field::Empty;
    let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default(), turn.id = turn);
    let response = next.call(request).instrument(span.clone()).await?;
    let _in_span = span.enter();
    let (mut response, failure) = with_error_body(response.map_into_boxed_body());
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    log(&response, started, failure);
    Ok(response.map_body(|_, body| payload.attach_to(body)))
}

/// The id that the client sent, if it is safe in a header and in a log line; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let well_formed = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        (1..=REQUEST_ID_CHARS).contains(&bytes.len()) && bytes.iter().all(is_allowed)
    };
    headers.get(REQUEST_ID).filter(well_formed).cloned().unwrap_or_else(new_request_id)
}

fn new_request_id() -> HeaderValue {
    #[expect(
        clippy::disallowed_methods,
        reason = "the id of a request is not an id of the domain: it is only logged"
    )]
    let id = Uuid::now_v7().to_string();
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// The code and the causes of an error, for the log.
type Failure = (&'static str, String);

/// Gives an error response the body of the endpoint's contract. Returns what must be logged of the error.
fn with_error_body(response: ServiceResponse) -> (ServiceResponse, Option<Failure>) {
    let Some(error) = response.response().error() else { return (response, None) };
    let from_framework;
    let api_error = if let Some(api_error) = error.as_error::<ApiError>() {
        api_error
    } else {
        from_framework = ApiError::from_framework(error);
        &from_framework
    };
    let rules = response.request().extensions().get::<Rules>().copied();
    let with_body = api_error.to_response(&rules.unwrap_or_else(|| Rules::new(Contract::LlmChat)));
    let failure = api_error.chain().map(|chain| (api_error.code(), chain.to_owned()));
    let (request, without_body) = response.into_parts();
    let mut response = ServiceResponse::new(request, with_body);
    cors::merge_headers(without_body.headers(), response.headers_mut());
    (response, failure)
}

/// Logs one line for each response, with the time until its headers. It names the pattern of the route and not the query,
/// which may hold private data.
fn log(response: &ServiceResponse, started: Instant, failure: Option<Failure>) {
    let request = response.request();
    let method = request.method().as_str();
    let route = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let status = response.status().as_u16();
    let headers_ms = started.elapsed().as_secs_f64() * 1e3;
    match failure {
        Some((code, error)) if status == 500 => {
            tracing::error!(method, route, status, headers_ms, code, error, "{method} {route} failed");
        }
        Some((code, error)) => {
            tracing::warn!(method, route, status, headers_ms, code, error, "{method} {route} failed");
        }
        // Health checks come every few seconds.
        None if route.starts_with("/health") => {
            tracing::debug!(method, route, status, headers_ms, "{method} {route}");
        }
        None => tracing::info!(method, route, status, headers_ms, "{method} {route}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(value: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
        request_id(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn the_id_of_the_client_is_kept_if_it_is_well_formed() {
        assert_eq!(id_for("req_1.a-B"), "req_1.a-B");
        for value in ["", "a b", "a\"b", "ä", &"a".repeat(129)] {
            assert_ne!(id_for(value), value);
        }
    }
}
