//! The events of the Responses API.

use std::borrow::Cow;

use domain::{Delta, FinishReason, ResponseId};
use ports::{ModelError, ModelEvent};
use serde::Deserialize;
use serde_json::Value;

use crate::chat_stream::tool_call;
use crate::decoder::{Decoder, text};
use crate::provider_error::{broken, error_of, from_stream_event, unreadable};
use crate::{Redaction, usage};

/// Decodes a stream of the Responses API. Its last event is `response.completed`, `.incomplete` or `.failed`, or
/// `error`.
#[derive(Debug)]
pub struct ResponsesDecoder {
    redaction: Redaction,
    has_tool_calls: bool,
    began: bool,
    over: bool,
}

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct DeltaEvent {
    delta: String,
}

#[derive(Deserialize)]
struct ItemDone {
    item: Item,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item {
    FunctionCall {
        call_id: String,
        name: String,
        arguments: String,
        status: Option<String>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    id: Option<String>,
    usage: Option<Value>,
    error: Option<Value>,
    incomplete_details: Option<IncompleteDetails>,
}

#[derive(Deserialize)]
struct IncompleteDetails {
    reason: Option<String>,
}

impl ResponsesDecoder {
    /// Creates a decoder for a new stream.
    #[must_use]
    pub fn new(redaction: Redaction) -> Self {
        Self { redaction, has_tool_calls: false, began: false, over: false }
    }

    fn read(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let kind = parsed::<Kind<'_>>(data)?.kind.unwrap_or_default();
        match &*kind {
            "response.output_text.delta" => self.add_delta(Delta::Text, data, events),
            "response.refusal.delta" => self.add_delta(Delta::Refusal, data, events),
            // The second name is that of the Open Responses specification.
            "response.reasoning_text.delta"
            | "response.reasoning.delta"
            | "response.reasoning_summary_text.delta" => self.add_delta(Delta::Reasoning, data, events),
            "response.output_item.done" => self.read_item(data, events),
            "response.completed" | "response.incomplete" => self.finish(&kind, data, events),
            "response.failed" => {
                let response = parsed::<End>(data)?.response;
                Err(self.error(&response.error.unwrap_or(Value::Null)))
            }
            // There are two forms: the fields of the error at the top level, or in `error`. Some servers leave out the type.
            "error" | "" => {
                let event: Value = parsed(data)?;
                match error_of(&event) {
                    Some(error) => Err(self.error(error)),
                    None if kind.is_empty() => Ok(()),
                    None => Err(self.error(&event)),
                }
            }
            _ => Ok(()),
        }
    }

    fn add_delta(
        &mut self,
        delta: fn(String) -> Delta,
        data: &str,
        events: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        if let Some(text) = text(parsed::<DeltaEvent>(data)?.delta) {
            self.began = true;
            events.push(ModelEvent::Delta(delta(text)));
        }
        Ok(())
    }

    fn read_item(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match parsed::<ItemDone>(data)?.item {
            Item::FunctionCall { call_id, name, arguments, status } => {
                self.began = true;
                match tool_call(call_id, name, &arguments) {
                    Ok(delta) => {
                        self.has_tool_calls = true;
                        events.push(ModelEvent::Delta(delta));
                        Ok(())
                    }
                    // The answer was cut off in the middle of the call; `response.incomplete` follows.
                    Err(_) if status.as_deref() == Some("incomplete") => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Item::Other => Ok(()),
        }
    }

    fn finish(&mut self, kind: &str, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let response = parsed::<End>(data)?.response;
        let body = response.usage.unwrap_or(Value::Null);
        if let Some(usage) = usage::usage(&body) {
            events.push(ModelEvent::Usage { usage, cost: usage::cost(&body) });
        }
        if let Some(error) = response.error {
            return Err(self.error(&error));
        }
        let reason = if kind == "response.incomplete" {
            let reason = response.incomplete_details.and_then(|details| details.reason);
            match reason.as_deref() {
                Some("max_output_tokens") => FinishReason::Length,
                Some("content_filter") => FinishReason::ContentFilter,
                Some(other) => FinishReason::Other(other.to_owned()),
                None => FinishReason::Other("incomplete".to_owned()),
            }
        } else if self.has_tool_calls {
            FinishReason::ToolCalls
        } else {
            FinishReason::Stop
        };
        let response_id = response.id.and_then(ResponseId::parse);
        events.push(ModelEvent::Finished { response: response_id, reason });
        self.over = true;
        Ok(())
    }

    fn error(&self, error: &Value) -> ModelError {
        if error.is_null() {
            return broken("the response failed and does not say why");
        }
        from_stream_event(error, self.began, &self.redaction)
    }
}

impl Decoder for ResponsesDecoder {
    fn push(&mut self, data: &str, events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        let data = data.trim();
        if self.over || data.is_empty() {
            return Ok(());
        }
        let read = if data == "[DONE]" { Err(ModelError::Truncated) } else { self.read(data, events) };
        self.over |= read.is_err();
        read
    }

    fn end(&mut self, _events: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if self.over {
            return Ok(());
        }
        self.over = true;
        Err(ModelError::Truncated)
    }

    fn began(&self) -> bool {
        self.began
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

fn parsed<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, ModelError> {
    serde_json::from_str(data).map_err(|error| unreadable(&error))
}
