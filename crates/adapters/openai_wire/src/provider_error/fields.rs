//! The fields of an error, by the names that servers have for them.

use super::ProviderError;
use super::class::{Class, of_code, of_words, status_in};
use crate::json::Json;

/// The fields that hold the words of an error.
pub(super) const WORDS: [&str; 9] = [
    "message",
    "msg",
    "detail",
    "details",
    "errors",
    "error_message",
    "error_msg",
    "error_description",
    "reason",
];
/// The fields that may hold the status of an error.
const STATUSES: [&str; 7] =
    ["code", "status", "status_code", "statusCode", "http_status", "http_code", "error_code"];
/// How deep the words of an error may stand.
const DEPTH_MAX: u8 = 4;

/// The fields of an error.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    kind: Option<String>,
    code: Option<String>,
    /// The name of a status at Google, such as `RESOURCE_EXHAUSTED`.
    status_name: Option<String>,
    /// The status that the error itself names.
    status: Option<u16>,
    message: Option<String>,
    /// The words of the provider behind `OpenRouter`.
    raw: Option<String>,
    moderated: bool,
}

impl ErrorFields {
    pub(super) fn new(ProviderError { error, around }: ProviderError<'_>) -> Self {
        // `{"error":{"error":{…}}}`
        let inner = error.get("error").filter(|inner| !inner.says_nothing());
        let objects: Vec<_> = [inner, Some(error), around].into_iter().flatten().collect();
        let first = |name: &str| objects.iter().find_map(|object| object.get(name)?.label());
        let status = |name: &&str| {
            let status = objects.iter().find_map(|object| object.get(name)?.count())?;
            u16::try_from(status).ok().filter(|status| (400..600).contains(status))
        };
        let metadata = error.get("metadata");
        let has = |name: &str| metadata.and_then(|metadata| metadata.get(name)).is_some();
        let is_text = |text: &String| text.parse::<f64>().is_err();
        Self {
            kind: inner.unwrap_or(error).get("type").and_then(Json::string).filter(|kind| kind != "error"),
            code: first("code").or_else(|| first("error_code")),
            status_name: first("status").filter(is_text).filter(|name| name != "error"),
            status: STATUSES.iter().find_map(status),
            message: objects.iter().find_map(|object| words(*object, DEPTH_MAX)),
            raw: metadata.and_then(|metadata| words(metadata.get("raw")?, DEPTH_MAX)),
            moderated: has("flagged_input") || has("reasons"),
        }
    }

    pub(super) fn from_words(words: &str) -> Self {
        Self { message: Some(words.trim().to_owned()), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.code.is_none() && self.kind.is_none() && self.message.is_none()
    }

    /// Returns the fields as one line for the log.
    pub(super) fn summary(&self) -> String {
        let status =
            self.status.map(|status| status.to_string()).filter(|status| Some(status) != self.code.as_ref());
        let fields = [&self.kind, &self.code, &status, &self.status_name, &self.message, &self.raw];
        fields.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn is_too_long(&self) -> bool {
        const WORDS: [&str; 5] = [
            "maximum context length",
            "context_length_exceeded",
            "context window",
            "context size",
            "prompt is too long",
        ];
        let message = self.message.as_deref().unwrap_or_default().to_lowercase();
        self.code.as_deref() == Some("context_length_exceeded")
            || WORDS.iter().any(|words| message.contains(words))
    }

    fn codes(&self) -> impl Iterator<Item = &str> {
        [&self.code, &self.kind, &self.status_name].into_iter().flatten().map(String::as_str)
    }

    pub(super) fn class_with_status(&self, status: u16) -> Class {
        match status {
            400 | 413 | 422 if self.is_too_long() => Class::TooLong,
            403 if self.moderated => Class::Rejected,
            401..=403 => Class::Refused,
            // The quota is used up, as with 402.
            429 if self.codes().any(|code| code == "insufficient_quota") => Class::Refused,
            429 | 529 => Class::Busy,
            // The answer did not begin, so nothing has to be paid for.
            408 | 425 | 500.. => Class::Unavailable,
            400..500 => Class::Rejected,
            0..400 => Class::Unknown,
        }
    }

    /// Returns the class by the status that the error names, else by its codes, else by its words.
    pub(super) fn class(&self) -> Class {
        if let Some(status) = self.status {
            return self.class_with_status(status);
        }
        if self.is_too_long() {
            return Class::TooLong;
        }
        let known = |class: &Class| *class != Class::Unknown;
        if let Some(class) = self.codes().map(of_code).find(known) {
            return class;
        }
        let message = self.message.as_deref().unwrap_or_default();
        match status_in(message) {
            Some(status) => self.class_with_status(status),
            None => of_words(message),
        }
    }
}

/// Returns the words of an error: a text, or what an object or a list of objects says.
fn words(value: Json<'_>, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    if value.is_list() {
        let all: Vec<_> = value.items().into_iter().filter_map(|item| words(item, depth)).collect();
        return (!all.is_empty()).then(|| all.join("; "));
    }
    if !value.is_object() {
        return value.string().filter(|text| !text.trim().is_empty());
    }
    let found = WORDS.iter().find_map(|name| words(value.get(name)?, depth))?;
    // `FastAPI` says which field is wrong: `{"loc":["body","stream"],"msg":"…"}`.
    let place: Vec<_> = value.get("loc").map(Json::items).unwrap_or_default();
    let place: Vec<_> = place.into_iter().filter_map(Json::label).collect();
    Some(if place.is_empty() { found } else { format!("{}: {found}", place.join(".")) })
}
