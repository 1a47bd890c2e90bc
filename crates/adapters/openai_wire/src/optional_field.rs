//! Fields of a request that some servers refuse, and that a request can do without.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

/// A field that OmniChat adds to requests by itself, or names in one of two ways. If a server refuses it, the request
/// can be sent without it, or with the other name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptionalField {
    /// `stream_options` of Chat Completions, which asks for the usage. Without it, usage is estimated for servers that
    /// do not send it anyway.
    StreamOptions,
    /// `store: false` of the Responses API, which asks the server to store nothing.
    Store,
    /// The default temperature. A temperature that the caller asked for is always sent.
    Temperature,
    /// The usual name of the limit of output tokens in Chat Completions: `max_completion_tokens` for the reasoning
    /// models of `OpenAI`, and else `max_tokens`. The limit itself is always sent, if need be by the other name.
    TokenLimitName,
}

impl OptionalField {
    /// The fields that the configuration may leave out, by name.
    const CONFIGURABLE: [(&'static str, Self); 3] =
        [("stream_options", Self::StreamOptions), ("store", Self::Store), ("temperature", Self::Temperature)];

    /// Returns the field that the configuration may leave out by this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::CONFIGURABLE.into_iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }

    /// The names that [`OptionalField::from_name`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::CONFIGURABLE.into_iter().map(|(name, _)| name)
    }

    /// Whether it depends on the model whether the field is refused; else it depends on the server alone.
    #[must_use]
    pub fn depends_on_model(self) -> bool {
        match self {
            Self::Temperature | Self::TokenLimitName => true,
            Self::StreamOptions | Self::Store => false,
        }
    }

    /// Returns how the log calls the field.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::StreamOptions => "the field stream_options",
            Self::Store => "the field store",
            Self::Temperature => "the default temperature",
            Self::TokenLimitName => "the usual name of max_tokens",
        }
    }

    /// Returns the fields that are used.
    pub(crate) fn used<const N: usize>(fields: [(Self, bool); N]) -> BTreeSet<Self> {
        fields.into_iter().filter(|(_, is_used)| *is_used).map(|(field, _)| field).collect()
    }

    /// Whether this text of a refusal names the field as the reason.
    fn is_named_in(self, text: &str) -> bool {
        match self {
            Self::StreamOptions => has_word(text, "stream_options"),
            // The name is an ordinary word, so it must look like the name of a field.
            Self::Store => {
                is_path_to(text, "store")
                    || has_quoted(text, "store")
                    || has_word_pair(text, FIELD_WORDS, &["store"])
                    || has_word_pair(text, &["store"], FIELD_WORDS)
            }
            Self::Temperature => has_word(text, "temperature"),
            // A limit that is too large is refused by its name as well, and must not be dropped by a server that
            // ignores the other name.
            Self::TokenLimitName => {
                (has_word(text, "max_tokens") || has_word(text, "max_completion_tokens"))
                    && UNKNOWN_FIELD.iter().any(|words| text.to_ascii_lowercase().contains(words))
            }
        }
    }
}

/// A body of a request.
pub trait RequestBody: Serialize {
    /// Returns the optional fields that the body has.
    fn optional_fields(&self) -> &BTreeSet<OptionalField>;
}

/// Words that stand beside the name of a field.
const FIELD_WORDS: &[&str] = &[
    "argument",
    "arguments",
    "attribute",
    "field",
    "fields",
    "input",
    "inputs",
    "key",
    "keys",
    "name",
    "option",
    "parameter",
    "parameters",
    "permitted",
    "property",
    "properties",
    "supplied",
];

/// What a refusal says of a field that the server does not know, in lower case.
const UNKNOWN_FIELD: &[&str] = &[
    "additional propert",
    "deprecated",
    "extra",
    "instead",
    "not allowed",
    "not permitted",
    "not support",
    "unexpected",
    "unknown",
    "unrecogni",
    "unsupported",
];

/// After these words, in lower case, a refusal lists the fields that the server knows.
const KNOWN_FIELDS: &[&str] = &[
    "expected one of",
    "must be one of",
    "allowed field",
    "allowed parameter",
    " supported field",
    " supported parameter",
    "valid field",
    "valid parameter",
];

/// Keys below which a refusal repeats the request, as `FastAPI` does. What stands there is no reason.
const REPEATED_INPUT: &[&str] = &["body", "ctx", "input"];

/// Returns the optional fields that the body of a refusal (status 400 or 422) names as its reason.
#[must_use]
pub fn refused_fields(body: &str) -> BTreeSet<OptionalField> {
    let texts = match serde_json::from_str(body) {
        Ok(json) => {
            let mut texts = Vec::new();
            collect_texts(&json, &mut texts);
            texts
        }
        Err(_) => vec![body.to_owned()],
    };
    // What is unknown and why may be in two texts: `loc` and `msg` of `FastAPI`.
    let whole = texts.iter().map(|text| reason_in(text)).collect::<Vec<_>>().join("\n");
    let all = [
        OptionalField::StreamOptions,
        OptionalField::Store,
        OptionalField::Temperature,
        OptionalField::TokenLimitName,
    ];
    all.into_iter().filter(|field| field.is_named_in(&whole)).collect()
}

/// Collects all texts of a refusal, in order. A path, `["body", "store"]`, becomes one text: `body.store`.
fn collect_texts(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            // Some proxies send the body of the server behind them as a text.
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => collect_texts(&inner, texts),
            Ok(_) | Err(_) => texts.push(text.clone()),
        },
        Value::Array(values) => {
            let path: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
            match path {
                Some(path) => texts.push(path.join(".")),
                None => values.iter().for_each(|value| collect_texts(value, texts)),
            }
        }
        Value::Object(fields) => {
            let reasons = fields.iter().filter(|(key, _)| !REPEATED_INPUT.contains(&key.as_str()));
            reasons.for_each(|(_, value)| collect_texts(value, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns the part of a text before a list of the fields that the server knows.
fn reason_in(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let end = KNOWN_FIELDS.iter().filter_map(|words| lower.find(words)).min();
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn has_word(text: &str, word: &str) -> bool {
    words(text).any(|found| found.eq_ignore_ascii_case(word))
}

/// Whether a word of the first list is followed by one of the second.
fn has_word_pair(text: &str, first: &[&str], second: &[&str]) -> bool {
    let is_one_of = |word: &str, list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    words(text).zip(words(text).skip(1)).any(|(one, next)| is_one_of(one, first) && is_one_of(next, second))
}

/// Whether a line is the name alone, or a path that ends with it: `store`, `body.store`, `#/store`.
fn is_path_to(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let before = line.trim().strip_suffix(name);
        before.is_some_and(|path| {
            (path.is_empty() || path.ends_with(['.', '/'])) && !path.contains(char::is_whitespace)
        })
    })
}

/// Whether the name stands in quotes of any kind.
fn has_quoted(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|text| text.chars().next());
        [before, after].into_iter().all(|c| c.is_some_and(|c| "'\"`‘’“”".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::OptionalField::{Store, StreamOptions, Temperature, TokenLimitName};
    use super::*;

    #[test]
    fn a_refusal_names_its_fields_in_many_forms() {
        for (body, named) in [
            // FastAPI and its descendants: vLLM, Mistral.
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted","input":{"include_usage":true}}]}"#,
                &[StreamOptions][..],
            ),
            (
                r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]}}"#,
                &[StreamOptions],
            ),
            (
                r#"{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted', 'input': 8192}]","code":400}"#,
                &[TokenLimitName],
            ),
            (
                r#"{"detail":[{"loc":["body","store"],"msg":"extra fields not permitted"},{"loc":["body","stream_options"],"msg":"extra fields not permitted"}]}"#,
                &[Store, StreamOptions],
            ),
            (
                r#"{"error":{"message":"Extra inputs are not permitted, field: 'stream_options'"}}"#,
                &[StreamOptions],
            ),
            (
                r#"{"error":{"message":"Validation error at #/stream_options: Extra inputs are not permitted"}}"#,
                &[StreamOptions],
            ),
            // OpenAI.
            (
                r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}"#,
                &[Temperature],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}"#,
                &[TokenLimitName],
            ),
            (r#"{"error":{"message":"Unrecognized request argument supplied: store"}}"#, &[Store]),
            (r#"{"error":{"message":"no","param":"store"}}"#, &[Store]),
            // Google, as a list.
            (r#"[{"error":{"code":400,"message":"Unknown name \"store\": Cannot find field."}}]"#, &[Store]),
            // Moonshot, and Anthropic behind a proxy that sends its body as a text.
            (
                r#"{"error":{"message":"invalid temperature: only 1 is allowed for this model"}}"#,
                &[Temperature],
            ),
            (
                r#"{"message":"{\"error\":{\"message\":\"`temperature` is deprecated for this model.\"}}"}"#,
                &[Temperature],
            ),
            ("unknown field stream_options", &[StreamOptions]),
            // serde, as in servers that are written in Rust; LiteLLM.
            (
                "Failed to deserialize: unknown field `stream_options`, expected one of `model`, `max_tokens`, `temperature`",
                &[StreamOptions],
            ),
            (
                r#"{"error":{"message":"litellm.UnsupportedParamsError: o1 does not support parameters: ['temperature']"}}"#,
                &[Temperature],
            ),
            (
                r#"{"message":"Unsupported parameters: store. The supported parameters are temperature, max_tokens."}"#,
                &[Store],
            ),
            ("The parameter `store` is not supported.", &[Store]),
        ] {
            assert_eq!(refused_fields(body), named.iter().copied().collect(), "{body}");
        }
    }

    #[test]
    fn a_refusal_for_another_reason_names_none() {
        for body in [
            "",
            "{}",
            r#"{"error":{"message":"max_tokens is too large: 200000. This model supports at most 16384 completion tokens.","param":"max_tokens"}}"#,
            r#"{"error":{"message":"The vector store cannot be found; store it first."}}"#,
            r#"{"detail":[{"loc":["body","model"],"msg":"Field required","input":{"stream_options":{"include_usage":true},"store":false}}]}"#,
            r#"{"error":{"message":"my_stream_options_2 is unknown"}}"#,
            "keystore, 'stores', body.restore",
        ] {
            assert_eq!(refused_fields(body), BTreeSet::new(), "{body}");
        }
    }

    #[test]
    fn the_configuration_knows_fields_by_name() {
        for name in OptionalField::names() {
            assert!(OptionalField::from_name(name).is_some(), "{name}");
        }
        for name in ["", "Store", "max_tokens", "model", "stream"] {
            assert_eq!(OptionalField::from_name(name), None, "{name}");
        }
    }
}
