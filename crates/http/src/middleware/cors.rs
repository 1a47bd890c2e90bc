//! Which pages of other origins may call (C-36). Tokens are never cookies, so credentials are never allowed.

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderMap, VARY};
use actix_web::middleware::Condition;

/// The one entry that stands for all origins.
const ANY: &str = "*";
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// What pages may send. Readers of event streams add `Last-Event-ID` by themselves when they come back.
const REQUEST_HEADERS: [&str; 4] = ["authorization", "content-type", "x-request-id", "last-event-id"];
/// What pages may read, beside what browsers show anyway.
const EXPOSED_HEADERS: [&str; 9] = [
    "x-conversation-id",
    "x-session-id",
    "x-model",
    "x-turn-id",
    "x-request-id",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
];
/// For how many seconds a browser may keep what a preflight said.
const MAX_AGE: usize = 600;

/// Lets pages of these origins call, and answers their preflights. Without origins, nothing knows of other pages.
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

/// Copies the headers of this layer to a response that replaces the one it had set them on.
pub(super) fn merge_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, VARY] {
        if let Some(value) = from.get(&name) {
            to.insert(name, value.clone());
        }
    }
}
