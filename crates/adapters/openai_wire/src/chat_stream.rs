//! The events of Chat Completions.

use domain::{Delta, FinishReason, JsonText, NanoDollars, ReportedUsage};
use ports::{ModelError, ModelEvent};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::decoder::{Decoder, text};
use crate::provider_error::{broken, from_stream_event, unreadable};
use crate::{Redaction, usage};

/// Decodes a stream of Chat Completions.
///
/// The usage follows the finish reason, so the answer ends with `[DONE]`, or with a clean end of the stream after a
/// finish reason.
#[derive(Debug, Default)]
pub struct ChatDecoder {
    redaction: Redaction,
    reason: Option<FinishReason>,
    usage: ReportedUsage,
    cost: Option<NanoDollars>,
    calls: Vec<PartialCall>,
    began: bool,
    over: bool,
}

/// A tool call whose fragments are still arriving.
#[derive(Debug, Default)]
struct PartialCall {
    index: u64,
    id: String,
    name: String,
    arguments: String,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Value>,
    error: Option<Value>,
    object: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<ChoiceDelta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct ChoiceDelta {
    content: Option<String>,
    refusal: Option<String>,
    /// The reasoning at `OpenRouter`.
    reasoning: Option<String>,
    /// The reasoning at many compatible servers.
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionFragment>,
}

#[derive(Deserialize)]
struct FunctionFragment {
    name: Option<String>,
    arguments: Option<String>,
}

impl ChatDecoder {
    /// Creates a decoder for a new stream.
    #[must_use]
    pub fn new(redaction: Redaction) -> Self {
        Self { redaction, ..Self::default() }
    }

    fn read(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let chunk: Chunk = serde_json::from_str(data).map_err(|error| unreadable(&error))?;
        if let Some(error) = chunk.error {
            return Err(from_stream_event(&error, self.began, &self.redaction));
        }
        if chunk.object.as_deref() == Some("error") {
            // An older form of compatible servers, with the fields of the error at the top level.
            let error: Value = serde_json::from_str(data).map_err(|error| unreadable(&error))?;
            return Err(from_stream_event(&error, self.began, &self.redaction));
        }
        if let Some(body) = chunk.usage.filter(Value::is_object) {
            self.usage = usage::usage(&body).unwrap_or(self.usage);
            self.cost = usage::cost(&body).or(self.cost);
            events.push(ModelEvent::Usage { usage: self.usage, cost: self.cost });
        }
        for choice in chunk.choices.unwrap_or_default() {
            if choice.index == 0 {
                self.read_choice(choice, events)?;
            }
        }
        Ok(())
    }

    fn read_choice(&mut self, choice: Choice, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if choice.finish_reason.as_deref() == Some("error") {
            return Err(broken("the finish reason is an error"));
        }
        if let Some(delta) = choice.delta {
            let reasoning = delta.reasoning.or(delta.reasoning_content);
            let deltas = [
                reasoning.and_then(text).map(Delta::Reasoning),
                delta.content.and_then(text).map(Delta::Text),
                delta.refusal.and_then(text).map(Delta::Refusal),
            ];
            for delta in deltas.into_iter().flatten() {
                self.began = true;
                events.push(ModelEvent::Delta(delta));
            }
            for fragment in delta.tool_calls.unwrap_or_default() {
                self.add_fragment(fragment);
            }
        }
        if let Some(reason) = choice.finish_reason
            && self.reason.is_none()
        {
            self.reason = Some(FinishReason::from_name(&reason));
        }
        Ok(())
    }

    /// Joins the fragments of a call by its index. Servers that send no index send complete calls.
    fn add_fragment(&mut self, fragment: Fragment) {
        self.began = true;
        let index = fragment.index.unwrap_or_else(|| {
            let last = self.calls.last().map_or(0, |call| call.index);
            if fragment.id.is_some() && !self.calls.is_empty() { last.saturating_add(1) } else { last }
        });
        let known = self.calls.iter().position(|call| call.index == index);
        let position = known.unwrap_or_else(|| {
            self.calls.push(PartialCall { index, ..PartialCall::default() });
            self.calls.len() - 1
        });
        let Some(call) = self.calls.get_mut(position) else { return };
        if let Some(id) = fragment.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        let Some(function) = fragment.function else { return };
        // The name is always sent complete; some servers repeat it.
        if let Some(name) = function.name.filter(|name| !name.is_empty()) {
            call.name = name;
        }
        call.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
    }

    fn finish(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let Some(reason) = self.reason.take() else { return Err(ModelError::Truncated) };
        // If the answer was cut off, its last call may be incomplete.
        let was_cut_off = matches!(reason, FinishReason::Length | FinishReason::ContentFilter);
        for call in std::mem::take(&mut self.calls) {
            match tool_call(call.id, call.name, &call.arguments) {
                Ok(delta) => events.push(ModelEvent::Delta(delta)),
                Err(_) if was_cut_off => {}
                Err(error) => return Err(error),
            }
        }
        events.push(ModelEvent::Finished { response: None, reason });
        Ok(())
    }
}

impl Decoder for ChatDecoder {
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = data.trim();
        if self.over || data.is_empty() {
            return Ok(());
        }
        let is_end = data == "[DONE]";
        let read = if is_end { self.finish(events) } else { self.read(data, events) };
        self.over = is_end || read.is_err();
        read
    }

    fn end(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        self.over = true;
        self.finish(events)
    }

    fn began(&self) -> bool {
        self.began
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

/// Makes a complete tool call. Missing arguments become an empty object.
pub(crate) fn tool_call(call: String, name: String, arguments: &str) -> Result<Delta, ModelError> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    if serde_json::from_str::<IgnoredAny>(arguments).is_err() {
        return Err(broken("the arguments of a tool call are not JSON"));
    }
    let clean = |raw: String| text(raw).unwrap_or_default();
    Ok(Delta::ToolCall {
        call: clean(call),
        name: clean(name),
        arguments: JsonText::from_parsed(arguments.to_owned()),
    })
}
