//! Which web pages of other origins may call the API (C-36). Tokens are never cookies, so credentials are never allowed.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, VARY};
use actix_web::middleware::Condition;

/// The entry that allows all origins.
const ANY: &str = "*";
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// The request headers that pages may send. Browsers add `Last-Event-ID` when they reconnect to an event stream.
const REQUEST_HEADERS: [&str; 4] = ["authorization", "content-type", "x-request-id", "last-event-id"];
/// The response headers that pages may read, beside those that browsers always allow.
const EXPOSED_HEADERS: [&str; 10] = [
    "x-conversation-id",
    "x-session-id",
    "x-model",
    "x-turn-id",
    "x-request-id",
    "x-has-more",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
];
/// For how many seconds a browser may cache the result of a preflight.
const MAX_AGE: usize = 600;

/// Allows the pages of these origins to call, and responds to their preflights. Without origins it is switched off.
pub(crate) fn layer(origins: &[String]) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers(REQUEST_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(MAX_AGE);
    let cors = origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        ANY => cors.allow_any_origin().send_wildcard(),
        origin => cors.allowed_origin(origin),
    });
    Condition::new(!origins.is_empty(), cors)
}

/// Copies the headers of this layer to the response that replaces the one on which they were set.
pub(super) fn merge_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, VARY] {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}
