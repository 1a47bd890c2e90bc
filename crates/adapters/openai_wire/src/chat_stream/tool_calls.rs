//! Tool calls, whose fragments arrive one by one.

use domain::{Delta, JsonText};
use ports::ModelError;
use serde::de::IgnoredAny;

use crate::decoder::clean;
use crate::json::{Json, Text};
use crate::provider_error::broken;

/// The tool calls of an answer.
#[derive(Debug, Default)]
pub(super) struct ToolCalls(Vec<PartialCall>);

/// A tool call whose fragments are still arriving.
#[derive(Debug, Default)]
struct PartialCall {
    index: u64,
    id: String,
    name: String,
    arguments: String,
    /// Half of a surrogate pair at the end of the arguments.
    half: Option<u16>,
}

/// A fragment of a tool call.
struct Fragment<'a> {
    index: Option<u64>,
    id: Option<String>,
    name: Option<String>,
    arguments: Option<Json<'a>>,
}

impl ToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the value of `tool_calls`: a list of fragments. A single fragment may stand there without a list.
    pub(super) fn add(&mut self, value: Json<'_>) -> Result<(), ModelError> {
        let fragments = if value.is_object() { vec![value] } else { value.items() };
        if fragments.is_empty() && !value.says_nothing() {
            return Err(unreadable());
        }
        for fragment in fragments.into_iter().filter(|fragment| !fragment.says_nothing()) {
            if !fragment.is_object() {
                return Err(unreadable());
            }
            let function = fragment.get("function");
            self.add_fragment(Fragment {
                index: fragment.get("index").and_then(Json::count),
                id: fragment.get("id").and_then(Json::label).filter(|id| !id.is_empty()),
                name: function.and_then(name),
                arguments: function.and_then(|function| function.get("arguments")),
            });
        }
        Ok(())
    }

    /// Adds the value of `function_call`, the form before `tool_calls`: one call, without an id.
    pub(super) fn add_function(&mut self, function: Json<'_>) {
        let arguments = function.get("arguments");
        self.add_fragment(Fragment { index: None, id: None, name: name(function), arguments });
    }

    fn add_fragment(&mut self, fragment: Fragment<'_>) {
        let known = self.position(&fragment);
        let position = known.unwrap_or_else(|| {
            let next = self.0.iter().map(|call| call.index + 1).max().unwrap_or(0);
            self.0.push(PartialCall { index: fragment.index.unwrap_or(next), ..PartialCall::default() });
            self.0.len() - 1
        });
        let Some(call) = self.0.get_mut(position) else { return };
        if let Some(id) = fragment.id {
            call.id = id;
        }
        // The name is always sent complete; some servers repeat it.
        if let Some(name) = fragment.name {
            call.name = name;
        }
        if let Some(arguments) = fragment.arguments {
            call.add_arguments(arguments);
        }
    }

    /// Finds the call of a fragment: by its index, else by its id, else the last one.
    fn position(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let with_id = |id: &String| self.0.iter().rposition(|call| call.id == *id);
        let Some(index) = fragment.index else {
            return match &fragment.id {
                Some(id) => with_id(id),
                None => self.0.len().checked_sub(1),
            };
        };
        let position = self.0.iter().rposition(|call| call.index == index)?;
        let call = self.0.get(position)?;
        // Gemini's proxy sends complete calls, all of them with index 0.
        let is_another = fragment.name.is_some()
            && !call.id.is_empty()
            && fragment.id.as_ref().is_some_and(|id| *id != call.id);
        if is_another { fragment.id.as_ref().and_then(with_id) } else { Some(position) }
    }

    /// Returns the complete calls. If the answer was cut off, its last call may be incomplete, and is left out.
    pub(super) fn finish(&mut self, was_cut_off: bool) -> Result<Vec<Delta>, ModelError> {
        let mut deltas = Vec::new();
        for mut call in std::mem::take(&mut self.0) {
            if call.half.is_some() {
                call.arguments.push(char::REPLACEMENT_CHARACTER);
            }
            if call.id.is_empty() && call.name.is_empty() && call.arguments.trim().is_empty() {
                continue;
            }
            match tool_call(call.id, call.name, &call.arguments) {
                Ok(delta) => deltas.push(delta),
                Err(_) if was_cut_off => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deltas)
    }
}

impl PartialCall {
    /// Appends a piece of the arguments. If it is JSON instead of text, it is all of them.
    fn add_arguments(&mut self, arguments: Json<'_>) {
        match arguments.text() {
            Some(text) => self.push_text(text),
            None if arguments.says_nothing() => {}
            None => arguments.as_str().clone_into(&mut self.arguments),
        }
    }

    fn push_text(&mut self, text: Text) {
        let text = text.joined(&mut self.half);
        self.arguments.push_str(&text);
    }
}

fn name(function: Json<'_>) -> Option<String> {
    function.get("name").and_then(Json::string).filter(|name| !name.is_empty())
}

/// Makes a complete tool call. Missing arguments become an empty object.
pub(crate) fn tool_call(call: String, name: String, arguments: &str) -> Result<Delta, ModelError> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    if name.trim().is_empty() || serde_json::from_str::<IgnoredAny>(arguments).is_err() {
        return Err(unreadable());
    }
    let arguments = JsonText::from_parsed(arguments.to_owned());
    Ok(Delta::ToolCall { call: clean(call), name: clean(name), arguments })
}

fn unreadable() -> ModelError {
    broken("a tool call cannot be read")
}
