//! The tables: from class to status for each contract, from code to the words of the body.

use actix_web::http::StatusCode;
use domain::{Contract, ErrorCode, ErrorKind};

use crate::rules::Rules;

/// The status of a class in a contract (C-5, C-14).
pub(super) fn status(rules: &Rules, kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::InvalidField => rules.bad_field,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Unsupported => StatusCode::METHOD_NOT_ALLOWED,
        ErrorKind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Upstream => match rules.contract {
            Contract::ChatApi | Contract::PersonaChat => StatusCode::INTERNAL_SERVER_ERROR,
            Contract::LlmChat | Contract::ChatService | Contract::ChatAi | Contract::OpenAi => {
                StatusCode::BAD_GATEWAY
            }
        },
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whether the contract shows this error, of another user's conversation, as not found (C-7): all but S4 do.
pub(super) fn is_hidden(contract: Contract, code: ErrorCode) -> bool {
    match contract {
        Contract::PersonaChat => false,
        Contract::LlmChat
        | Contract::ChatApi
        | Contract::ChatService
        | Contract::ChatAi
        | Contract::OpenAi => code.is_foreign_conversation(),
    }
}

/// The sentence that the contract's own document has for an error.
pub(super) fn own_words(contract: Contract, code: ErrorCode) -> Option<&'static str> {
    match contract {
        Contract::ChatApi => (code == ErrorCode::ConversationNotFound).then_some("Chat session not found"),
        Contract::LlmChat
        | Contract::ChatService
        | Contract::ChatAi
        | Contract::PersonaChat
        | Contract::OpenAi => None,
    }
}

/// The `type` of an error body.
pub(super) fn type_of(code: ErrorCode) -> &'static str {
    if code.is_upstream() {
        return "upstream_error";
    }
    match code.kind() {
        ErrorKind::Invalid
        | ErrorKind::InvalidField
        | ErrorKind::Unsupported
        | ErrorKind::TooLarge
        | ErrorKind::TooSlow => "invalid_request_error",
        ErrorKind::Unauthenticated => "authentication_error",
        ErrorKind::Forbidden => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::Conflict => "conflict_error",
        ErrorKind::TooMany => "rate_limit_error",
        ErrorKind::Upstream | ErrorKind::Unavailable | ErrorKind::Internal => "server_error",
    }
}

/// What `WWW-Authenticate` says: a client without a token is told no error (RFC 6750, section 3.1).
pub(super) fn challenge(code: ErrorCode) -> &'static str {
    if code.rejects_token() { "Bearer error=\"invalid_token\"" } else { "Bearer" }
}

/// Whether the cause lies outside the request, so that operators have to know of it.
pub(super) fn is_for_operators(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Upstream | ErrorKind::Unavailable | ErrorKind::Internal => true,
        ErrorKind::Invalid
        | ErrorKind::InvalidField
        | ErrorKind::Unauthenticated
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Unsupported
        | ErrorKind::Conflict
        | ErrorKind::TooLarge
        | ErrorKind::TooSlow
        | ErrorKind::TooMany => false,
    }
}
