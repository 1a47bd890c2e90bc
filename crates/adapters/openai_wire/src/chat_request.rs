//! The body of `POST /chat/completions`.

use std::borrow::Cow;
use std::num::NonZeroU32;

use domain::{ModelRequest, Temperature, TopP};
use serde::Serialize;

use crate::history::{Call, Content, Entry, Said, entries};
use crate::model_name::thinks_first;

/// A request for a streamed answer, with its usage at the end. It holds these fields and no others.
#[derive(Debug, Serialize)]
pub struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<NonZeroU32>,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<Body<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
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
    /// The body of a request, under the model's name at this provider.
    #[must_use]
    pub fn new(request: &'a ModelRequest, model: &'a str) -> Self {
        let sampling = request.options.sampling;
        let instructions = request.instructions.as_deref().map(|text| Message::says("system", text.into()));
        let messages = entries(request).into_iter().map(Message::from);
        let (max_tokens, max_completion_tokens) =
            if thinks_first(model) { (None, sampling.max_tokens) } else { (sampling.max_tokens, None) };
        Self {
            model,
            messages: instructions.into_iter().chain(messages).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            temperature: sampling.temperature.map(Temperature::get),
            top_p: sampling.top_p.map(TopP::get),
            max_tokens,
            max_completion_tokens,
        }
    }
}

impl<'a> Message<'a> {
    fn says(role: &'static str, text: Cow<'a, str>) -> Self {
        Self { role, content: Some(Body::Text(text)), tool_calls: Vec::new(), tool_call_id: None }
    }
}

impl<'a> From<Entry<'a>> for Message<'a> {
    fn from(entry: Entry<'a>) -> Self {
        match entry {
            Entry::System(text) => Self::says("system", text.into()),
            Entry::User(contents) => Self {
                role: "user",
                content: Some(Body::from(contents)),
                tool_calls: Vec::new(),
                tool_call_id: None,
            },
            Entry::Assistant { said, calls } => Self {
                role: "assistant",
                content: joined(&said).map(Body::Text),
                tool_calls: calls.into_iter().map(ToolCall::from).collect(),
                tool_call_id: None,
            },
            Entry::ToolResult { call, output } => {
                Self { tool_call_id: Some(call), ..Self::says("tool", output.into()) }
            }
        }
    }
}

/// A refusal goes as text: the field for it is known to few servers, and a message without content is refused.
fn joined<'a>(said: &[Said<'a>]) -> Option<Cow<'a, str>> {
    let text_of = |piece: &Said<'a>| match piece {
        Said::Text(text) | Said::Refusal(text) => *text,
    };
    match said {
        [] => None,
        [only] => Some(Cow::Borrowed(text_of(only))),
        many => Some(Cow::Owned(many.iter().map(text_of).collect::<Vec<_>>().join("\n"))),
    }
}

impl<'a> From<Vec<Content<'a>>> for Body<'a> {
    fn from(mut contents: Vec<Content<'a>>) -> Self {
        if let [Content::Text(text)] = contents.as_mut_slice() {
            return Self::Text(std::mem::take(text));
        }
        Self::Parts(contents.into_iter().map(Part::from).collect())
    }
}

impl<'a> From<Content<'a>> for Part<'a> {
    fn from(content: Content<'a>) -> Self {
        match content {
            Content::Text(text) => Self::Text { text },
            Content::Image(url) => Self::ImageUrl { image_url: ImageUrl { url } },
        }
    }
}

impl<'a> From<Call<'a>> for ToolCall<'a> {
    fn from(call: Call<'a>) -> Self {
        let Call { id, name, arguments } = call;
        Self { id, kind: "function", function: Function { name, arguments } }
    }
}
