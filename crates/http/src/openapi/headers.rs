//! The headers of responses, described once.

use actix_web::http::StatusCode;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Header, Ref, RefOr, Response};

/// The header of every response.
pub(crate) const REQUEST_ID: &str = "X-Request-Id";
/// The header that names the conversation.
pub(crate) const CONVERSATION_ID: &str = "X-Conversation-ID";
const TURN_ID: &str = "X-Turn-Id";
const RETRY_AFTER: &str = "Retry-After";
const CHALLENGE: &str = "WWW-Authenticate";
const LIMIT: &str = "RateLimit-Limit";
const REMAINING: &str = "RateLimit-Remaining";
const RESET: &str = "RateLimit-Reset";

/// Every header, with its type and its description.
const KNOWN: [(&str, Type, &str); 8] = [
    (REQUEST_ID, Type::String, "The request's id, the client's own where it sent one; log lines carry it"),
    (TURN_ID, Type::String, "The turn, for `GET /turns/{id}/events`"),
    (CONVERSATION_ID, Type::String, "The conversation, in the form that the contract shows"),
    (RETRY_AFTER, Type::Integer, "Seconds after which to try again"),
    (CHALLENGE, Type::String, "`Bearer`, with the error where a token was sent"),
    (LIMIT, Type::Integer, "How many calls may pass in any 60 seconds"),
    (REMAINING, Type::Integer, "How many more may pass now"),
    (RESET, Type::Integer, "Seconds until the next call may pass"),
];

/// All headers, for the document's components.
pub(crate) fn all() -> impl Iterator<Item = (String, RefOr<Header>)> {
    KNOWN.into_iter().map(|(name, kind, description)| {
        let schema = Object::with_type(kind);
        let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
        (name.to_owned(), RefOr::T(header))
    })
}

/// Adds a header to a response.
pub(crate) fn put(response: &mut Response, name: &str) {
    let reference = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(reference));
}

/// Adds the headers of a call that counts against a rate limit.
pub(crate) fn put_rate_limit(response: &mut Response) {
    for name in [LIMIT, REMAINING, RESET] {
        put(response, name);
    }
}

/// Adds the headers of a call that starts a turn.
pub(crate) fn put_turn(response: &mut Response) {
    put(response, TURN_ID);
    put_rate_limit(response);
}

/// Adds the headers of an error with this status.
pub(crate) fn put_error(response: &mut Response, status: StatusCode) {
    match status {
        StatusCode::UNAUTHORIZED => put(response, CHALLENGE),
        StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => put(response, RETRY_AFTER),
        StatusCode::TOO_MANY_REQUESTS => {
            put(response, RETRY_AFTER);
            put_rate_limit(response);
        }
        _ => {}
    }
}
