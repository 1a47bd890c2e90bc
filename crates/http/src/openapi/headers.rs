//! The headers of responses. Each is described once, in the components of the document.

use actix_web::http::StatusCode;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{Header, Ref, RefOr, Response};

/// The header with the request's id, which every response has.
pub(crate) const REQUEST_ID: &str = "X-Request-Id";
/// The header with the conversation's id.
pub(crate) const CONVERSATION_ID: &str = "X-Conversation-ID";
/// The header with the number of a session.
pub(crate) const SESSION_ID: &str = "X-Session-Id";
/// The header with the model of a turn.
pub(crate) const MODEL: &str = "X-Model";
/// The header with the turn's id.
pub(crate) const TURN_ID: &str = "X-Turn-Id";
/// The header of a list of messages that says whether there are more.
pub(crate) const HAS_MORE: &str = "X-Has-More";
const RETRY_AFTER: &str = "Retry-After";
const CHALLENGE: &str = "WWW-Authenticate";
const LIMIT: &str = "RateLimit-Limit";
const REMAINING: &str = "RateLimit-Remaining";
const RESET: &str = "RateLimit-Reset";
/// The headers of a call that counts against a rate limit.
pub(crate) const RATE_LIMIT: [&str; 3] = [LIMIT, REMAINING, RESET];

/// All headers, each with its type and its description.
const KNOWN: [(&str, Type, &str); 11] = [
    (
        REQUEST_ID,
        Type::String,
        "The id of the request, as sent by the client or made by the service. Log lines name it",
    ),
    (TURN_ID, Type::String, "The id of the turn that the call has started, for `GET /turns/{id}/events`"),
    (CONVERSATION_ID, Type::String, "The id of the conversation, in the form that the response body uses"),
    (SESSION_ID, Type::Integer, "The number of the session"),
    (MODEL, Type::String, "The model that answers"),
    (
        HAS_MORE,
        Type::Boolean,
        "Whether there are more messages beyond the `limit`: `true` or `false`. Without a `limit` always `false`",
    ),
    (RETRY_AFTER, Type::Integer, "How many seconds to wait before trying again"),
    (CHALLENGE, Type::String, "`Bearer`, and the error if a token was sent"),
    (LIMIT, Type::Integer, "How many calls are allowed in any 60 seconds"),
    (REMAINING, Type::Integer, "How many calls are left now"),
    (RESET, Type::Integer, "How many seconds until a call is allowed again"),
];

/// All headers, for the components of the document.
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

/// Adds the headers of an error with this status.
pub(crate) fn put_error(response: &mut Response, status: StatusCode) {
    match status {
        StatusCode::UNAUTHORIZED => put(response, CHALLENGE),
        StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE => put(response, RETRY_AFTER),
        StatusCode::TOO_MANY_REQUESTS => {
            put(response, RETRY_AFTER);
            for name in RATE_LIMIT {
                put(response, name);
            }
        }
        _ => {}
    }
}
