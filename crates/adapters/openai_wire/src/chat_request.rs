//! The body of `POST /chat/completions`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

use domain::{ModelRequest, RequestOptions, Temperature, TopP};
use serde::Serialize;

use crate::history::{self, Content, Entry, UserContent, entries, joined};
use crate::model_name::is_reasoning_model;
use crate::optional_field::{OptionalField, RequestBody};

/// A request for a streamed answer, with the usage at the end. It has these fields and no others.
#[derive(Debug, Serialize)]
pub struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<NonZeroU32>,
    #[serde(skip)]
    optional_fields: BTreeSet<OptionalField>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<Content<'a, Part<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Debug, Serialize)]
struct ImageUrl<'a> {
    url: &'a str,
}

#[derive(Debug, Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> ChatRequest<'a> {
    /// Makes the body of a request. `model` is the name of the model at this provider, and `left_out` are the fields
    /// that the request does without.
    #[must_use]
    pub fn new(request: &'a ModelRequest, model: &'a str, left_out: &BTreeSet<OptionalField>) -> Self {
        let RequestOptions { sampling, default_temperature } = *request.options;
        let has = |field| !left_out.contains(&field);
        let default_temperature =
            default_temperature.filter(|_| sampling.temperature.is_none() && has(OptionalField::Temperature));
        let instructions = request.instructions.as_deref().map(|text| Content::Text(text.into()));
        let instructions = instructions.map(|text| Message::new("system", Some(text)));
        let messages = entries(request).into_iter().map(Message::from);
        let (max_tokens, max_completion_tokens) =
            if is_reasoning_model(model) == has(OptionalField::TokenLimitName) {
                (None, sampling.max_tokens)
            } else {
                (sampling.max_tokens, None)
            };
        let has_limit = sampling.max_tokens.is_some();
        Self {
            model,
            messages: instructions.into_iter().chain(messages).collect(),
            stream: true,
            stream_options: has(OptionalField::StreamOptions)
                .then_some(StreamOptions { include_usage: true }),
            temperature: sampling.temperature.or(default_temperature).map(Temperature::get),
            top_p: sampling.top_p.map(TopP::get),
            max_tokens,
            max_completion_tokens,
            optional_fields: OptionalField::used([
                (OptionalField::StreamOptions, has(OptionalField::StreamOptions)),
                (OptionalField::Temperature, default_temperature.is_some()),
                (OptionalField::TokenLimitName, has_limit && has(OptionalField::TokenLimitName)),
            ]),
        }
    }
}

impl RequestBody for ChatRequest<'_> {
    fn optional_fields(&self) -> &BTreeSet<OptionalField> {
        &self.optional_fields
    }
}

impl<'a> Message<'a> {
    fn new(role: &'static str, content: Option<Content<'a, Part<'a>>>) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None }
    }
}

impl<'a> From<Entry<'a>> for Message<'a> {
    fn from(entry: Entry<'a>) -> Self {
        match entry {
            Entry::System(text) => Self::new("system", Some(Content::Text(text.into()))),
            Entry::User(contents) => Self::new("user", Some(contents.into())),
            Entry::Assistant { texts, calls } => {
                let tool_calls = calls.into_iter().map(ToolCall::from).collect();
                Self { tool_calls, ..Self::new("assistant", joined(&texts).map(Content::Text)) }
            }
            Entry::ToolResult { call, output } => {
                Self { tool_call_id: Some(call), ..Self::new("tool", Some(Content::Text(output.into()))) }
            }
        }
    }
}

impl<'a> From<UserContent<'a>> for Part<'a> {
    fn from(content: UserContent<'a>) -> Self {
        match content {
            UserContent::Text(text) => Self::Text { text },
            UserContent::Image(url) => Self::ImageUrl { image_url: ImageUrl { url } },
        }
    }
}

impl<'a> From<history::ToolCall<'a>> for ToolCall<'a> {
    fn from(call: history::ToolCall<'a>) -> Self {
        let history::ToolCall { id, name, arguments } = call;
        Self { id, kind: "function", function: Function { name, arguments } }
    }
}
