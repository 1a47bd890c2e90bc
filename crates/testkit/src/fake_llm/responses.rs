//! Responses of the Responses API.

use serde_json::{Value, json};

use super::CREATED;
use super::call::Call;
use super::frame::Frame;
use super::reply::{Figures, Reply, ToolCall};

/// A response that is being made: its events so far, and its finished items.
struct Answer<'a> {
    call: &'a Call,
    reply: &'a Reply,
    words: Vec<String>,
    output: Vec<Value>,
    frames: Vec<Frame>,
}

/// The whole response as one object.
pub(super) fn whole(call: &Call, reply: &Reply) -> Value {
    let mut answer = Answer::new(call, reply);
    answer.write_items();
    answer.response(answer.last_status())
}

/// The response as a stream of events.
pub(super) fn frames(call: &Call, reply: &Reply) -> Vec<Frame> {
    let mut answer = Answer::new(call, reply);
    let begun = answer.response("in_progress");
    answer.event("response.created", json!({"response": begun}));
    answer.event("response.in_progress", json!({"response": begun}));
    answer.write_items();
    let status = answer.last_status();
    let finished = answer.response(status);
    answer.event(&format!("response.{status}"), json!({"response": finished}));
    answer.frames.push(Frame::done());
    answer.frames
}

impl<'a> Answer<'a> {
    fn new(call: &'a Call, reply: &'a Reply) -> Self {
        let words = reply.words_for(&call.question());
        Self { call, reply, words, output: Vec::new(), frames: Vec::new() }
    }

    fn event(&mut self, name: &str, mut fields: Value) {
        fields["type"] = json!(name);
        fields["sequence_number"] = json!(self.frames.len());
        self.frames.push(Frame::named(name, &fields));
    }

    fn word(&mut self, name: &str, fields: Value) {
        self.event(name, fields);
        if let Some(frame) = self.frames.pop() {
            self.frames.push(frame.into_word());
        }
    }

    fn write_items(&mut self) {
        if !self.reply.reasoning.is_empty() {
            self.write_reasoning();
        }
        if !self.words.is_empty() {
            self.write_message();
        }
        for tool in &self.reply.tool_calls {
            self.write_tool_call(tool);
        }
    }

    fn write_reasoning(&mut self) {
        let at = self.output.len();
        let id = format!("rs_{}", self.call.number);
        let place = json!({"item_id": id, "output_index": at, "summary_index": 0});
        let item = json!({"id": id, "type": "reasoning", "summary": []});
        self.event("response.output_item.added", json!({"output_index": at, "item": item}));
        let part = json!({"type": "summary_text", "text": ""});
        self.event("response.reasoning_summary_part.added", with(&place, "part", part));
        for thought in &self.reply.reasoning {
            self.event("response.reasoning_summary_text.delta", with(&place, "delta", json!(thought)));
        }
        let text = self.reply.reasoning.concat();
        self.event("response.reasoning_summary_text.done", with(&place, "text", json!(text)));
        let part = json!({"type": "summary_text", "text": text});
        self.event("response.reasoning_summary_part.done", with(&place, "part", part.clone()));
        self.close_item(json!({"id": id, "type": "reasoning", "summary": [part]}));
    }

    fn write_message(&mut self) {
        let at = self.output.len();
        let id = format!("msg_{}", self.call.number);
        let item = |status: &str, content: Value| json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content});
        let place = json!({"item_id": id, "output_index": at, "content_index": 0});
        let (events, key) = if self.reply.refusal {
            ("response.refusal", "refusal")
        } else {
            ("response.output_text", "text")
        };
        let part = |text: &str| {
            if self.reply.refusal {
                json!({"type": "refusal", "refusal": text})
            } else {
                json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
            }
        };
        let added = json!({"output_index": at, "item": item("in_progress", json!([]))});
        self.event("response.output_item.added", added);
        self.event("response.content_part.added", with(&place, "part", part("")));
        for word in self.words.clone() {
            let delta = with(&with(&place, "delta", json!(word)), "logprobs", json!([]));
            self.word(&format!("{events}.delta"), delta);
        }
        let text = self.words.concat();
        self.event(&format!("{events}.done"), with(&place, key, json!(text)));
        self.event("response.content_part.done", with(&place, "part", part(&text)));
        self.close_item(item(self.last_status(), json!([part(&text)])));
    }

    fn write_tool_call(&mut self, tool: &ToolCall) {
        let at = self.output.len();
        let id = format!("fc_{}_{at}", self.call.number);
        let item = |status: &str, arguments: &str| json!({"id": id, "type": "function_call", "status": status, "call_id": tool.call, "name": tool.name, "arguments": arguments});
        let place = json!({"item_id": id, "output_index": at});
        let added = json!({"output_index": at, "item": item("in_progress", "")});
        self.event("response.output_item.added", added);
        for piece in &tool.arguments {
            self.word("response.function_call_arguments.delta", with(&place, "delta", json!(piece)));
        }
        let arguments = tool.arguments.concat();
        let done = with(&with(&place, "name", json!(tool.name)), "arguments", json!(arguments));
        self.event("response.function_call_arguments.done", done);
        self.close_item(item("completed", &arguments));
    }

    fn close_item(&mut self, item: Value) {
        let done = json!({"output_index": self.output.len(), "item": item});
        self.event("response.output_item.done", done);
        self.output.push(item);
    }

    /// The final status of the response.
    fn last_status(&self) -> &'static str {
        match self.reply.finish_reason.as_str() {
            "length" | "content_filter" => "incomplete",
            _ => "completed",
        }
    }

    fn response(&self, status: &str) -> Value {
        let asked = |key: &str, absent: Value| self.call.body.get(key).cloned().unwrap_or(absent);
        let reason = match self.reply.finish_reason.as_str() {
            "length" => json!({"reason": "max_output_tokens"}),
            "content_filter" => json!({"reason": "content_filter"}),
            _ => Value::Null,
        };
        let has_ended = status != "in_progress";
        json!({
            "id": format!("resp_{}", self.call.number), "object": "response", "created_at": CREATED,
            "completed_at": (status == "completed").then_some(CREATED), "status": status, "error": null,
            "incomplete_details": if has_ended { reason } else { Value::Null },
            "model": self.reply.model.as_deref().unwrap_or_else(|| self.call.model()), "instructions": asked("instructions", Value::Null),
            "previous_response_id": asked("previous_response_id", Value::Null),
            "conversation": conversation(self.call.body.get("conversation")),
            "output": self.output, "usage": if has_ended { self.usage() } else { Value::Null },
            "metadata": asked("metadata", json!({})), "tools": asked("tools", json!([])),
            "tool_choice": "auto", "parallel_tool_calls": true,
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "reasoning": {"effort": null, "summary": null}, "truncation": "disabled",
            "temperature": asked("temperature", json!(1.0)), "top_p": asked("top_p", json!(1.0)),
            "presence_penalty": 0.0, "frequency_penalty": 0.0, "top_logprobs": 0,
            "max_output_tokens": asked("max_output_tokens", Value::Null), "max_tool_calls": null,
            "store": asked("store", json!(true)), "background": false, "service_tier": "default",
            "safety_identifier": null, "prompt_cache_key": null, "user": null,
        })
    }

    fn usage(&self) -> Value {
        if !self.reply.names_usage {
            return Value::Null;
        }
        let Figures { input, cached, output, reasoning, cost: _ } =
            super::figures(self.call, self.reply, &self.words);
        json!({
            "input_tokens": input,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": input + output,
        })
    }
}

fn with(fields: &Value, key: &str, value: Value) -> Value {
    let mut fields = fields.clone();
    fields[key] = value;
    fields
}

/// The conversation of the response, which is always an object; in the request it may also be a text.
fn conversation(asked: Option<&Value>) -> Value {
    match asked {
        Some(Value::String(id)) => json!({"id": id}),
        Some(object) => object.clone(),
        None => Value::Null,
    }
}
