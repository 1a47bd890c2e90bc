//! Where every answer leaves: its request id, its safety headers, its error in the contract's words, its log line.

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
use super::drain_body::PayloadGuard;
use crate::error::ApiError;
use crate::rules::Rules;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_CHARS: usize = 128;

/// Sees a request through.
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
    let answer = next.call(request).instrument(span.clone()).await?;
    let _in_span = span.enter();
    let (mut answer, chain) = in_words(answer.map_into_boxed_body());
    let headers = answer.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    log(&answer, started, chain);
    Ok(answer.map_body(|_, body| payload.attach_to(body)))
}

/// The client's own id where it can stand in a header and in a log line, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let well_formed = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        (1..=REQUEST_ID_CHARS).contains(&bytes.len()) && bytes.iter().all(known)
    };
    headers.get(REQUEST_ID).filter(well_formed).cloned().unwrap_or_else(new_request_id)
}

fn new_request_id() -> HeaderValue {
    #[expect(
        clippy::disallowed_methods,
        reason = "a request's id is no id of the domain's, and only logs see it"
    )]
    let id = Uuid::now_v7().to_string();
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Puts an error into the words of the route's contract; answers what the log is to say of it.
fn in_words(answer: ServiceResponse) -> (ServiceResponse, Option<(&'static str, String)>) {
    let Some(error) = answer.response().error() else { return (answer, None) };
    let of_framework;
    let api_error = if let Some(api_error) = error.as_error::<ApiError>() {
        api_error
    } else {
        of_framework = ApiError::of_framework(error);
        &of_framework
    };
    let rules = answer.request().extensions().get::<Rules>().copied();
    let worded = api_error.answer(&rules.unwrap_or_else(|| Rules::of(Contract::LlmChat)));
    let chain = api_error.chain().map(|chain| (api_error.code(), chain.to_owned()));
    let (request, unworded) = answer.into_parts();
    let mut answer = ServiceResponse::new(request, worded);
    cors::merge_headers(unworded.headers(), answer.headers_mut());
    (answer, chain)
}

/// One line for each answer. It names the route's pattern, never the query: that may hold what is not for logs.
fn log(answer: &ServiceResponse, started: Instant, failure: Option<(&'static str, String)>) {
    let request = answer.request();
    let method = request.method().as_str();
    let route = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let status = answer.status().as_u16();
    let ms = started.elapsed().as_secs_f64() * 1e3;
    match failure {
        Some((code, error)) if status == 500 => {
            tracing::error!(method, route, status, ms, code, error, "{method} {route} failed");
        }
        Some((code, error)) => {
            tracing::warn!(method, route, status, ms, code, error, "{method} {route} failed");
        }
        // Probes come every few seconds.
        None if route.starts_with("/health") => {
            tracing::debug!(method, route, status, ms, "{method} {route}");
        }
        None => tracing::info!(method, route, status, ms, "{method} {route}"),
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
    fn a_clients_id_is_kept_if_it_is_well_formed() {
        assert_eq!(id_for("req_1.a-B"), "req_1.a-B");
        for value in ["", "a b", "a\"b", "ä", &"a".repeat(129)] {
            assert_ne!(id_for(value), value);
        }
    }
}
