//! Authenticates the caller of an endpoint, and turns a panic of its handler into an error response.

use std::panic::AssertUnwindSafe;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage};
use domain::Caller;
use futures_util::FutureExt;
use services::SignIn;

use crate::error::ApiError;
use crate::rules::{Access, Rules};

/// The longest `Authorization` header that is read.
const MAX_CREDENTIALS_BYTES: usize = 16 * 1024;

/// Runs the handler of an endpoint if its rules allow the request. The body is not read before the caller is known.
pub(crate) async fn run(
    rules: Rules,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let http_request = request.request().clone();
    request.extensions_mut().insert(rules);
    let response = AssertUnwindSafe(admit(rules, request, next)).catch_unwind().await;
    response.unwrap_or_else(|_panic| Ok(ServiceResponse::from_err(ApiError::panicked(), http_request)))
}

async fn admit(rules: Rules, request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, Error> {
    match rules.access {
        Access::Public => {}
        Access::Private => match authenticate(&request).await {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
            }
            Err(error) => return Ok(request.error_response(error)),
        },
    }
    next.call(request).await
}

async fn authenticate(request: &ServiceRequest) -> Result<Caller, ApiError> {
    let token = bearer(request.headers())?.to_owned();
    let sign_in = request
        .app_data::<Data<SignIn>>()
        .ok_or_else(|| ApiError::internal("sign-in is not installed".to_owned()))?;
    Ok(sign_in.authenticate(token).await?)
}

/// The token of the `Authorization: Bearer` header, of which there must be exactly one.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or_else(ApiError::no_token)?;
    if values.next().is_some() || value.len() > MAX_CREDENTIALS_BYTES {
        return Err(ApiError::bad_token());
    }
    let text = value.to_str().map_err(|_| ApiError::bad_token())?;
    let (scheme, token) = text.trim().split_once(' ').ok_or_else(ApiError::bad_token)?;
    let token = token.trim();
    let readable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !scheme.eq_ignore_ascii_case("bearer") || !readable {
        return Err(ApiError::bad_token());
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_scheme_is_case_insensitive() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            assert_eq!(bearer(&headers(&[value])).ok(), Some("a.b.c"), "{value}");
        }
    }

    #[test]
    fn anything_but_one_bearer_token_is_refused() {
        let long = format!("Bearer {}", "a".repeat(MAX_CREDENTIALS_BYTES));
        for value in ["a.b.c", "Basic a.b.c", "Bearer", "Bearer ", "Bearer a b", "Bearer a\tb", &long] {
            assert_eq!(bearer(&headers(&[value])).unwrap_err().code(), "invalid_token", "{value:.30}");
        }
        assert_eq!(bearer(&headers(&["Bearer a", "Bearer a"])).unwrap_err().code(), "invalid_token");
        assert_eq!(bearer(&headers(&[])).unwrap_err().code(), "missing_token");
    }
}
