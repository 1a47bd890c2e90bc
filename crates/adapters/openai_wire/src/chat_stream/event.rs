//! The JSON of an event.

use ports::ModelError;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::content::{Kind, Pieces, read_field};
use crate::finish_reason::{self, Named};
use crate::json::Json;
use crate::provider_error::broken;

/// An ordinary event: one choice, with text and the finish reason alone.
#[derive(Debug, Default)]
pub(super) struct OrdinaryDelta {
    pub(super) reasoning: String,
    pub(super) content: String,
    pub(super) finish_reason: Option<Named>,
}

/// What an ordinary event may have. Nearly all events are such, so they are read at once.
#[derive(Deserialize)]
struct Ordinary {
    choices: (OrdinaryChoice,),
    usage: Option<IgnoredAny>,
    x_groq: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OrdinaryChoice {
    #[serde(default)]
    index: u64,
    delta: OrdinaryText,
    message: Option<IgnoredAny>,
    finish_reason: Option<String>,
    native_finish_reason: Option<IgnoredAny>,
    usage: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct OrdinaryText {
    content: Option<String>,
    /// The reasoning at `OpenRouter`.
    reasoning: Option<String>,
    /// The reasoning at many compatible servers.
    reasoning_content: Option<String>,
    refusal: Option<IgnoredAny>,
    /// Some servers send an empty list in each event.
    #[serde(rename = "tool_calls")]
    _no_calls: Option<[IgnoredAny; 0]>,
    function_call: Option<IgnoredAny>,
}

/// Reads an ordinary event; `None` if it is another one.
pub(super) fn ordinary(data: &str) -> Option<OrdinaryDelta> {
    let event: Ordinary = serde_json::from_str(data).ok()?;
    let OrdinaryChoice { index, delta, message, finish_reason, native_finish_reason, usage, error } =
        event.choices.0;
    let OrdinaryText { content, reasoning, reasoning_content, refusal, _no_calls: _, function_call } = delta;
    let others = [event.usage, event.x_groq, event.error, message, native_finish_reason, usage, error];
    let more = [refusal, function_call];
    if index > 0 || others.iter().chain(&more).any(Option::is_some) {
        return None;
    }
    // Some servers send the same reasoning in both fields.
    let reasoning = reasoning.filter(|text| !text.is_empty()).or(reasoning_content).unwrap_or_default();
    let finish_reason = finish_reason.and_then(|name| finish_reason::from_name(&name));
    Some(OrdinaryDelta { reasoning, content: content.unwrap_or_default(), finish_reason })
}

/// Returns the first choice of an event, which may stand there in several pieces.
pub(super) fn choices(event: Json<'_>) -> Result<Vec<Json<'_>>, ModelError> {
    let Some(value) = sole(event, "choices")? else { return Ok(Vec::new()) };
    let choices = if is_choice(value) { vec![value] } else { value.items() };
    let choices: Vec<_> = choices.into_iter().filter(|choice| !choice.is_empty()).collect();
    if choices.is_empty() && !value.is_list() || choices.iter().any(|choice| !choice.is_object()) {
        return Err(broken("the choices cannot be read"));
    }
    Ok(of_first(choices))
}

/// Returns those of the choices that are the first one. OmniChat asks for one alone.
///
/// Its index is 0. If no choice has this index, it is the first one whose index is missing, unreadable or
/// stands there twice.
pub(super) fn of_first(choices: Vec<Json<'_>>) -> Vec<Json<'_>> {
    let index = |choice: &Json<'_>| match choice.all("index").as_slice() {
        [index] => index.count(),
        _ => None,
    };
    if choices.iter().any(|choice| index(choice) == Some(0)) {
        return choices.into_iter().filter(|choice| index(choice) == Some(0)).collect();
    }
    choices.into_iter().find(|choice| index(choice).is_none() && is_choice(*choice)).into_iter().collect()
}

fn is_choice(value: Json<'_>) -> bool {
    ["delta", "message", "finish_reason", "error"].iter().any(|name| value.get(name).is_some())
}

/// A choice of an event.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    json: Json<'a>,
    /// The next piece of the answer, if there is one.
    pub(super) delta: Option<Json<'a>>,
    /// The complete answer, which servers send that do not stream. Perplexity sends the answer so far beside each delta.
    pub(super) message: Option<Json<'a>>,
}

impl<'a> Choice<'a> {
    /// Reads a choice.
    pub(super) fn read(json: Json<'a>) -> Result<Self, ModelError> {
        let (delta, message) = (sole(json, "delta")?, sole(json, "message")?);
        Ok(Self { json, delta, message })
    }

    /// Returns why the answer ended, if it did.
    pub(super) fn finish_reason(&self) -> Option<Named> {
        let read = |name| self.json.get(name).and_then(finish_reason::read);
        // `OpenRouter` adds the reason in the words of the provider.
        read("finish_reason").or_else(|| read("native_finish_reason"))
    }
}

/// Reads the text of a delta or of a message.
pub(super) fn pieces(delta: Json<'_>) -> Result<Pieces, ModelError> {
    let mut pieces = Pieces::new();
    if !delta.is_object() {
        return Err(broken("a delta cannot be read"));
    }
    for name in ["reasoning", "reasoning_content"] {
        if pieces.iter().all(|(_, text)| text.is_empty()) {
            read_field(delta, name, Kind::Reasoning, &mut pieces)?;
        }
    }
    read_field(delta, "content", Kind::Text, &mut pieces)?;
    read_field(delta, "refusal", Kind::Refusal, &mut pieces)?;
    Ok(pieces)
}

/// Returns a field that is part of the answer, if it is not empty. It must not stand there twice with different values.
pub(super) fn sole<'a>(object: Json<'a>, name: &str) -> Result<Option<Json<'a>>, ModelError> {
    let mut values = object.all(name);
    values.retain(|value| !value.is_empty());
    values.dedup();
    match values.as_slice() {
        [] => Ok(None),
        [value] => Ok(Some(*value)),
        _ => Err(broken("a field of the answer stands there twice")),
    }
}
