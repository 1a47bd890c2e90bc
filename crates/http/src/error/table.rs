//! The tables: from class to status for each contract, from status to the words of the body.

use std::time::Duration;

use actix_web::http::StatusCode;
use domain::{Contract, ErrorKind};

use super::Class;
use crate::routes::Rules;

/// The status of a class in a contract (C-5, C-14).
pub(super) fn status(rules: &Rules, class: Class) -> StatusCode {
    match class {
        Class::Kind(kind) => status_of_kind(rules.contract, kind),
        Class::Malformed => StatusCode::BAD_REQUEST,
        Class::Field => rules.bad_field,
        Class::Method => StatusCode::METHOD_NOT_ALLOWED,
        Class::Slow => StatusCode::REQUEST_TIMEOUT,
    }
}

fn status_of_kind(contract: Contract, kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Upstream => match contract {
            Contract::ChatApi | Contract::PersonaChat => StatusCode::INTERNAL_SERVER_ERROR,
            Contract::LlmChat | Contract::ChatService | Contract::ChatAi | Contract::OpenAi => {
                StatusCode::BAD_GATEWAY
            }
        },
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the contract shows a conversation of somebody else's as not found (C-7): all but S4 do.
pub(super) fn is_hidden(contract: Contract, code: &str) -> bool {
    match contract {
        Contract::PersonaChat => false,
        Contract::LlmChat
        | Contract::ChatApi
        | Contract::ChatService
        | Contract::ChatAi
        | Contract::OpenAi => code == "conversation_forbidden",
    }
}

/// What the contract's own document says of an error, where that is a sentence.
pub(super) fn own_words(contract: Contract, code: &str) -> Option<&'static str> {
    match contract {
        Contract::ChatApi => (code == "conversation_not_found").then_some("Chat session not found"),
        Contract::LlmChat
        | Contract::ChatService
        | Contract::ChatAi
        | Contract::PersonaChat
        | Contract::OpenAi => None,
    }
}

/// The `type` of an error body.
pub(super) fn type_of(status: StatusCode, code: &str) -> &'static str {
    if code.starts_with("upstream_") {
        return "upstream_error";
    }
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::CONFLICT => "conflict_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_client_error() => "invalid_request_error",
        _ => "server_error",
    }
}

/// What `WWW-Authenticate` says: a client without a token is told no error (RFC 6750, section 3.1).
pub(super) fn challenge(code: &str) -> &'static str {
    match code {
        "invalid_token" | "token_expired" => "Bearer error=\"invalid_token\"",
        _ => "Bearer",
    }
}

/// When to try again where the error does not say.
pub(super) fn usual_pause(status: StatusCode) -> Option<Duration> {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
        .then_some(Duration::from_secs(1))
}
