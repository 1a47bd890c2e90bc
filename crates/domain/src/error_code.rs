//! The stable codes of errors, which client programs match on, and the properties of each code.

use std::fmt;
use std::time::Duration;

use crate::ErrorKind;

/// The properties of a code.
struct Properties {
    text: &'static str,
    kind: ErrorKind,
    param: Option<&'static str>,
    retry_after: Option<Duration>,
    is_upstream: bool,
    rejects_token: bool,
}

impl Properties {
    /// Makes a code of this class. Where a new try can help, the default pause is one second.
    const fn new(text: &'static str, kind: ErrorKind) -> Self {
        let can_retry = matches!(kind, ErrorKind::TooMany | ErrorKind::Unavailable);
        let retry_after = if can_retry { Some(Duration::from_secs(1)) } else { None };
        Self { text, kind, param: None, retry_after, is_upstream: false, rejects_token: false }
    }

    const fn param(self, name: &'static str) -> Self {
        Self { param: Some(name), ..self }
    }

    const fn retry_after_seconds(self, seconds: u64) -> Self {
        Self { retry_after: Some(Duration::from_secs(seconds)), ..self }
    }

    const fn upstream(self) -> Self {
        Self { is_upstream: true, ..self }
    }

    const fn rejects_token(self) -> Self {
        Self { rejects_token: true, ..self }
    }
}

/// Declares the codes: one entry makes the variant, its entry in `ALL` and its properties.
macro_rules! error_codes {
    ($($(#[$doc:meta])+ $code:ident: $properties:expr,)+) => {
        /// A stable code. Its text never changes once clients have seen it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])+ $code,)+
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            const fn properties(self) -> Properties {
                match self {
                    $(Self::$code => $properties,)+
                }
            }
        }
    };
}

error_codes! {
    /// The request is broken in a way that no other code names.
    BadRequest: Properties::new("bad_request", ErrorKind::Invalid),
    /// The body is not JSON where JSON is expected.
    InvalidJson: Properties::new("invalid_json", ErrorKind::Invalid),
    /// The body is not a form where a form is expected.
    InvalidForm: Properties::new("invalid_form", ErrorKind::Invalid),
    /// A field, a query value or a path value breaks a rule.
    ValidationError: Properties::new("validation_error", ErrorKind::InvalidField),
    /// The body is too large.
    PayloadTooLarge: Properties::new("payload_too_large", ErrorKind::TooLarge),
    /// The body did not arrive in time.
    RequestTimeout: Properties::new("request_timeout", ErrorKind::TooSlow),
    /// There is nothing at this path.
    NotFound: Properties::new("not_found", ErrorKind::NotFound),
    /// The path exists, but not for this method.
    MethodNotAllowed: Properties::new("method_not_allowed", ErrorKind::Unsupported),
    /// Web pages of this origin may not make the call.
    OriginNotAllowed: Properties::new("origin_not_allowed", ErrorKind::Forbidden),

    /// No token was sent.
    MissingToken: Properties::new("missing_token", ErrorKind::Unauthenticated),
    /// The token is not valid, or its account is suspended or deleted.
    InvalidToken: Properties::new("invalid_token", ErrorKind::Unauthenticated).rejects_token(),
    /// The token has expired.
    TokenExpired: Properties::new("token_expired", ErrorKind::Unauthenticated).rejects_token(),
    /// The name or the password is wrong.
    InvalidCredentials: Properties::new("invalid_credentials", ErrorKind::Unauthenticated),
    /// The name or the email address is in use.
    AlreadyRegistered: Properties::new("already_registered", ErrorKind::Invalid),
    /// Too many sign-ins at once.
    Overloaded: Properties::new("overloaded", ErrorKind::Unavailable),
    /// The issuer of the token cannot be asked now.
    IdentityUnavailable: Properties::new("identity_unavailable", ErrorKind::Unavailable),

    /// The conversation does not exist, or is deleted.
    ConversationNotFound: Properties::new("conversation_not_found", ErrorKind::NotFound),
    /// The conversation belongs to another user.
    ConversationForbidden: Properties::new("conversation_forbidden", ErrorKind::Forbidden),
    /// A turn is running in the conversation.
    ConversationBusy: Properties::new("conversation_busy", ErrorKind::Conflict).retry_after_seconds(1),
    /// The turn does not exist, or is another user's.
    TurnNotFound: Properties::new("turn_not_found", ErrorKind::NotFound),
    /// The persona does not exist, or is another user's.
    PersonaNotFound: Properties::new("persona_not_found", ErrorKind::NotFound),
    /// The prompt does not exist, or is another user's.
    PromptNotFound: Properties::new("prompt_not_found", ErrorKind::NotFound),
    /// The prompt has no such version.
    PromptVersionNotFound: Properties::new("prompt_version_not_found", ErrorKind::NotFound),
    /// The prompt is a system template, which nobody changes.
    PromptForbidden: Properties::new("prompt_forbidden", ErrorKind::Forbidden),
    /// The message does not exist, or is deleted.
    MessageNotFound: Properties::new("message_not_found", ErrorKind::NotFound),
    /// The message belongs to another user.
    MessageForbidden: Properties::new("message_forbidden", ErrorKind::Forbidden),
    /// The model is not in the list of those that may be used.
    ModelNotAllowed: Properties::new("model_not_allowed", ErrorKind::Invalid).param("model"),

    /// The file is not a PDF.
    NotAPdf: Properties::new("not_a_pdf", ErrorKind::Invalid).param("file"),
    /// The file is too large.
    FileTooLarge: Properties::new("file_too_large", ErrorKind::Invalid).param("file"),
    /// The PDF is encrypted.
    PdfEncrypted: Properties::new("pdf_encrypted", ErrorKind::Invalid).param("file"),
    /// The PDF is broken.
    PdfUnreadable: Properties::new("pdf_unreadable", ErrorKind::Invalid).param("file"),
    /// Reading the PDF takes too much time or memory.
    PdfTooComplex: Properties::new("pdf_too_complex", ErrorKind::Invalid).param("file"),
    /// Too many files are being uploaded or read.
    FilesBusy: Properties::new("files_busy", ErrorKind::Unavailable).retry_after_seconds(5),
    /// The file storage is not available.
    StorageUnavailable: Properties::new("storage_unavailable", ErrorKind::Unavailable).retry_after_seconds(5),

    /// The caller has used up a rate limit.
    RateLimitExceeded: Properties::new("rate_limit_exceeded", ErrorKind::TooMany),

    /// The model provider refused the request: the model, the input, its length.
    UpstreamRejected: Properties::new("upstream_rejected", ErrorKind::Invalid).upstream(),
    /// The model provider refused the operator's key.
    UpstreamUnauthorized: Properties::new("upstream_unauthorized", ErrorKind::Upstream).upstream(),
    /// The model provider limits the operator's calls.
    UpstreamRateLimited: Properties::new("upstream_rate_limited", ErrorKind::TooMany).upstream(),
    /// The model provider could not be reached, or failed.
    UpstreamUnavailable: Properties::new("upstream_unavailable", ErrorKind::Upstream).upstream(),
    /// The model provider did not answer, or stopped answering.
    UpstreamTimeout: Properties::new("upstream_timeout", ErrorKind::Upstream).upstream(),
    /// The model provider's stream broke off.
    UpstreamTruncated: Properties::new("upstream_truncated", ErrorKind::Upstream).upstream(),
    /// The model provider's answer cannot be read.
    UpstreamBroken: Properties::new("upstream_broken", ErrorKind::Upstream).upstream(),
    /// The model finished without an answer.
    UpstreamEmpty: Properties::new("upstream_empty", ErrorKind::Upstream).upstream(),
    /// The conversation's model provider is not configured.
    ProviderUnavailable: Properties::new("provider_unavailable", ErrorKind::Unavailable),
    /// The reply could not be stored.
    StoreUnavailable: Properties::new("store_unavailable", ErrorKind::Unavailable),
    /// The process that ran the turn ended.
    TurnInterrupted: Properties::new("turn_interrupted", ErrorKind::Unavailable),

    /// The database is not available.
    DatabaseUnavailable: Properties::new("database_unavailable", ErrorKind::Unavailable).retry_after_seconds(2),
    /// The service is shutting down.
    ShuttingDown: Properties::new("shutting_down", ErrorKind::Unavailable),
    /// An error of the service itself.
    InternalError: Properties::new("internal_error", ErrorKind::Internal),
}

impl ErrorCode {
    /// Returns the text of the code, in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.properties().text
    }

    /// Returns the class.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        self.properties().kind
    }

    /// Returns the field of the request that this code always refers to, if any.
    #[must_use]
    pub const fn param(self) -> Option<&'static str> {
        self.properties().param
    }

    /// Returns when to try again, unless the error itself says so.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        self.properties().retry_after
    }

    /// Whether the model provider caused the error, whatever its class.
    #[must_use]
    pub const fn is_upstream(self) -> bool {
        self.properties().is_upstream
    }

    /// Whether a token was sent and is not accepted.
    #[must_use]
    pub const fn rejects_token(self) -> bool {
        self.properties().rejects_token
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_and_in_snake_case() {
        let mut texts = HashSet::new();
        for code in ErrorCode::ALL {
            let text = code.as_str();
            assert!(texts.insert(text), "{text} is used for two codes");
            let is_snake_case = text
                .split('_')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
            assert!(is_snake_case, "{text}");
        }
    }

    #[test]
    fn codes_of_the_provider_have_one_prefix() {
        for code in ErrorCode::ALL {
            assert_eq!(code.is_upstream(), code.as_str().starts_with("upstream_"), "{code}");
        }
    }
}
