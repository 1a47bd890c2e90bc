//! The body of `POST /responses`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

use domain::{ModelRequest, RequestOptions, Temperature, TopP};
use serde::Serialize;

use crate::history::{Content, Entry, ToolCall, UserContent, entries, joined};
use crate::optional_field::{OptionalField, RequestBody};

/// A request for a streamed answer that the provider does not store. It has these fields and no others.
#[derive(Debug, Serialize)]
pub struct ResponsesRequest<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<NonZeroU32>,
    #[serde(skip)]
    optional_fields: BTreeSet<OptionalField>,
}

/// Messages have the short form of the API, with a `type` and, if they are the assistant's, with a text as content: in
/// parts, their text would be `output_text`, which strict servers such as vLLM refuse without an id and a status, which
/// we do not have. llama.cpp refuses messages of the assistant that have no `type` (ggml-org/llama.cpp issue 26394).
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Message {
        #[serde(rename = "type")]
        kind: &'static str,
        role: &'static str,
        content: Content<'a, Part<'a>>,
    },
    FunctionCall {
        #[serde(rename = "type")]
        kind: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        #[serde(rename = "type")]
        kind: &'static str,
        call_id: &'a str,
        output: &'a str,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    InputText { text: Cow<'a, str> },
    InputImage { image_url: &'a str, detail: &'static str },
}

impl<'a> ResponsesRequest<'a> {
    /// Makes the body of a request. `model` is the name of the model at this provider, and `left_out` are the fields
    /// that the request does without.
    #[must_use]
    pub fn new(request: &'a ModelRequest, model: &'a str, left_out: &BTreeSet<OptionalField>) -> Self {
        let RequestOptions { sampling, default_temperature } = *request.options;
        let has = |field| !left_out.contains(&field);
        let default_temperature =
            default_temperature.filter(|_| sampling.temperature.is_none() && has(OptionalField::Temperature));
        let mut input = Vec::with_capacity(request.messages.len());
        for entry in entries(request) {
            match entry {
                Entry::System(text) => input.push(Item::message("system", Content::Text(text.into()))),
                Entry::User(contents) => input.push(Item::message("user", contents.into())),
                Entry::Assistant { texts, calls } => {
                    let text = joined(&texts).map(Content::Text);
                    input.extend(text.map(|text| Item::message("assistant", text)));
                    input.extend(calls.into_iter().map(Item::from));
                }
                Entry::ToolResult { call, output } => {
                    input.push(Item::FunctionCallOutput {
                        kind: "function_call_output",
                        call_id: call,
                        output,
                    });
                }
            }
        }
        Self {
            model,
            instructions: request.instructions.as_deref(),
            input,
            store: has(OptionalField::Store).then_some(false),
            stream: true,
            temperature: sampling.temperature.or(default_temperature).map(Temperature::get),
            top_p: sampling.top_p.map(TopP::get),
            max_output_tokens: sampling.max_tokens,
            optional_fields: OptionalField::used([
                (OptionalField::Store, has(OptionalField::Store)),
                (OptionalField::Temperature, default_temperature.is_some()),
            ]),
        }
    }
}

impl RequestBody for ResponsesRequest<'_> {
    fn optional_fields(&self) -> &BTreeSet<OptionalField> {
        &self.optional_fields
    }
}

impl<'a> Item<'a> {
    fn message(role: &'static str, content: Content<'a, Part<'a>>) -> Self {
        Self::Message { kind: "message", role, content }
    }
}

impl<'a> From<UserContent<'a>> for Part<'a> {
    fn from(content: UserContent<'a>) -> Self {
        match content {
            UserContent::Text(text) => Self::InputText { text },
            UserContent::Image(image_url) => Self::InputImage { image_url, detail: "auto" },
        }
    }
}

impl<'a> From<ToolCall<'a>> for Item<'a> {
    fn from(call: ToolCall<'a>) -> Self {
        let ToolCall { id, name, arguments } = call;
        Self::FunctionCall { kind: "function_call", call_id: id, name, arguments }
    }
}
