//! How an error is shown: its status and its message for each contract, and its `type`.

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

/// Whether the contract shows this error as "not found": another user's conversation in all contracts but S4 (C-7).
pub(super) fn is_hidden(contract: Contract, code: ErrorCode) -> bool {
    code == ErrorCode::ConversationForbidden && contract != Contract::PersonaChat
}

/// The message that the contract's document states for an error, if it states one.
pub(super) fn contract_message(contract: Contract, code: ErrorCode) -> Option<&'static str> {
    let is_session = contract == Contract::ChatApi && code == ErrorCode::ConversationNotFound;
    is_session.then_some("Chat session not found")
}

/// The `type` of an error body.
pub(super) fn error_type(code: ErrorCode) -> &'static str {
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

/// The value of `WWW-Authenticate`. Without a token in the request it names no error (RFC 6750, section 3.1).
pub(super) fn challenge(code: ErrorCode) -> &'static str {
    if code.rejects_token() { "Bearer error=\"invalid_token\"" } else { "Bearer" }
}

/// Whether the error is logged for operators, because its cause is not in the request. Its status is 5xx in every
/// contract.
pub(super) fn is_for_operators(kind: ErrorKind) -> bool {
    status(&Rules::new(Contract::LlmChat), kind).is_server_error()
}
