//! The classes of errors, by their codes and words.

/// The class of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Rejected,
    Refused,
    TooLong,
    Busy,
    Unavailable,
    Unknown,
}

/// Words of errors, in the order in which they decide.
const WORDS: [(Class, &[&str]); 4] = [
    (Class::Refused, &["quota", "billing", "insufficient balance", "insufficient credits"]),
    (
        Class::Busy,
        &["rate limit", "ratelimit", "too many requests", "overload", "throttl", "resource exhausted"],
    ),
    (
        Class::Refused,
        &[
            "api key",
            "apikey",
            "authentication",
            "unauthenticated",
            "unauthorized",
            "forbidden",
            "permission",
        ],
    ),
    (
        Class::Unavailable,
        &[
            "unavailable",
            "bad gateway",
            "gateway timeout",
            "internal server",
            "internal error",
            "internalserver",
            "server error",
            "upstream",
            "deadline exceeded",
            "insufficient system resource",
            "network error",
        ],
    ),
];

/// Returns the class of a code or a type of `OpenAI`, Google and compatible servers.
pub(super) fn of_code(code: &str) -> Class {
    let words = plain(code);
    match &*words {
        "api error" | "model error" | "internal" | "vector store timeout" | "timeout" => Class::Unavailable,
        "model not found"
        | "not found"
        | "content policy violation"
        | "bad request"
        | "badrequesterror"
        | "failed precondition"
        | "out of range" => Class::Rejected,
        "rate limited" | "capacity exceeded" => Class::Busy,
        _ => {
            let class = of_words(code);
            let is_rejection = words.starts_with("invalid ") || words.contains("image");
            if class == Class::Unknown && is_rejection { Class::Rejected } else { class }
        }
    }
}

/// Returns the class of the words of an error.
pub(super) fn of_words(words: &str) -> Class {
    let words = plain(words);
    let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
    WORDS.iter().find(|(_, list)| says(list)).map_or(Class::Unknown, |(class, _)| *class)
}

/// Returns the status that words name, such as `Request failed with status code 429` or `503 Service Unavailable`.
pub(super) fn status_in(words: &str) -> Option<u16> {
    let mut before = String::new();
    for word in plain(words).split(' ').filter(|word| !word.is_empty()) {
        let status = word.parse().ok().filter(|status: &u16| (400..600).contains(status));
        if status.is_some() && matches!(&*before, "" | "status" | "code" | "http" | "error" | "1") {
            return status;
        }
        word.clone_into(&mut before);
    }
    None
}

/// Returns the words in lower case, with one space between them: `RESOURCE_EXHAUSTED` is `resource exhausted`.
fn plain(words: &str) -> String {
    let words = words.to_lowercase();
    words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_classes() {
        for (code, class) in [
            ("rate_limit_exceeded", Class::Busy),
            ("rate_limit_error", Class::Busy),
            ("RateLimitError", Class::Busy),
            ("too_many_requests", Class::Busy),
            ("overloaded_error", Class::Busy),
            ("engine_overloaded_error", Class::Busy),
            ("RESOURCE_EXHAUSTED", Class::Busy),
            ("invalid_api_key", Class::Refused),
            ("authentication_error", Class::Refused),
            ("permission_error", Class::Refused),
            ("PERMISSION_DENIED", Class::Refused),
            ("UNAUTHENTICATED", Class::Refused),
            ("insufficient_quota", Class::Refused),
            ("exceeded_current_quota_error", Class::Refused),
            ("server_error", Class::Unavailable),
            ("internal_error", Class::Unavailable),
            ("INTERNAL", Class::Unavailable),
            ("InternalServerError", Class::Unavailable),
            ("UNAVAILABLE", Class::Unavailable),
            ("DEADLINE_EXCEEDED", Class::Unavailable),
            ("vector_store_timeout", Class::Unavailable),
            ("invalid_request_error", Class::Rejected),
            ("INVALID_ARGUMENT", Class::Rejected),
            ("BadRequestError", Class::Rejected),
            ("NOT_FOUND", Class::Rejected),
            ("image_too_large", Class::Rejected),
            ("something_new", Class::Unknown),
        ] {
            assert_eq!(of_code(code), class, "{code}");
        }
    }

    #[test]
    fn words_name_a_status_or_a_class() {
        for (words, status) in [
            ("Request failed with status code 429", Some(429)),
            ("503 Service Unavailable", Some(503)),
            ("HTTP/1.1 502 Bad Gateway", Some(502)),
            ("Error 500: oops", Some(500)),
            ("the answer has 500 words", None),
            ("status 200", None),
            ("", None),
        ] {
            assert_eq!(status_in(words), status, "{words}");
        }
        for (words, class) in [
            ("Rate limit reached for requests", Class::Busy),
            ("Too Many Requests", Class::Busy),
            ("upstream connect error or disconnect/reset before headers", Class::Unavailable),
            ("Internal Server Error", Class::Unavailable),
            ("Incorrect API key provided", Class::Refused),
            ("You exceeded your current quota", Class::Refused),
            ("words alone", Class::Unknown),
        ] {
            assert_eq!(of_words(words), class, "{words}");
        }
    }
}
