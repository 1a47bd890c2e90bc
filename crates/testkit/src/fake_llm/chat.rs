//! Responses of Chat Completions.

use serde_json::{Value, json};

use super::call::Call;
use super::frame::Frame;
use super::reply::{Figures, Reply};
use super::{CREATED, Flavour};

/// The values that are the same in all chunks of a response.
struct Answer<'a> {
    call: &'a Call,
    reply: &'a Reply,
    flavour: Flavour,
    words: Vec<String>,
    figures: Figures,
}

/// The whole response as one object.
pub(super) fn whole(call: &Call, reply: &Reply, flavour: Flavour) -> Value {
    let answer = Answer::new(call, reply, flavour);
    let text = answer.words.concat();
    let content = if reply.refusal || !reply.tool_calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({
        "role": "assistant",
        "content": content,
        "refusal": reply.refusal.then_some(text),
        "annotations": [],
    });
    if !reply.tool_calls.is_empty() {
        message["tool_calls"] = reply
            .tool_calls
            .iter()
            .map(|tool| {
                let function = json!({"name": tool.name, "arguments": tool.arguments.concat()});
                json!({"id": tool.call, "type": "function", "function": function})
            })
            .collect();
    }
    if !reply.reasoning.is_empty() {
        message[answer.reasoning_key()] = json!(reply.reasoning.concat());
    }
    let mut body = answer.envelope("chat.completion");
    body["choices"] = json!([{
        "index": 0, "message": message, "logprobs": null, "finish_reason": reply.finish_reason,
    }]);
    if reply.names_usage {
        body["usage"] = answer.usage();
    }
    body
}

/// The response as a stream of chunks.
pub(super) fn frames(call: &Call, reply: &Reply, flavour: Flavour) -> Vec<Frame> {
    let answer = Answer::new(call, reply, flavour);
    let mut frames = Vec::with_capacity(answer.words.len() + 5);
    if flavour == Flavour::OpenRouter {
        frames.push(Frame::comment(": OPENROUTER PROCESSING"));
    }
    frames.push(Frame::data(&answer.chunk(&json!({"role": "assistant", "content": ""}), None)));
    for thought in &reply.reasoning {
        let mut delta = json!({});
        delta[answer.reasoning_key()] = json!(thought);
        frames.push(Frame::data(&answer.chunk(&delta, None)));
    }
    for word in &answer.words {
        let key = if reply.refusal { "refusal" } else { "content" };
        let mut delta = json!({});
        delta[key] = json!(word);
        frames.push(Frame::data(&answer.chunk(&delta, None)).into_word());
    }
    for (index, tool) in reply.tool_calls.iter().enumerate() {
        let function = json!({"name": tool.name, "arguments": ""});
        let head = json!({"index": index, "id": tool.call, "type": "function", "function": function});
        frames.push(Frame::data(&answer.chunk(&json!({"tool_calls": [head]}), None)));
        for piece in &tool.arguments {
            let more = json!({"index": index, "function": {"arguments": piece}});
            frames.push(Frame::data(&answer.chunk(&json!({"tool_calls": [more]}), None)).into_word());
        }
    }
    frames.push(Frame::data(&answer.chunk(&json!({}), Some(&reply.finish_reason))));
    if answer.sends_usage() {
        frames.push(Frame::data(&answer.usage_chunk()));
    }
    frames.push(Frame::done());
    frames
}

impl<'a> Answer<'a> {
    fn new(call: &'a Call, reply: &'a Reply, flavour: Flavour) -> Self {
        let words = reply.words_for(&call.question());
        let figures = super::figures(call, reply, &words);
        Self { call, reply, flavour, words, figures }
    }

    fn envelope(&self, object: &str) -> Value {
        let number = self.call.number;
        let mut envelope = match self.flavour {
            Flavour::OpenAi => json!({
                "id": format!("chatcmpl-{number}"),
                "service_tier": "default",
                "system_fingerprint": "fp_fake",
            }),
            Flavour::OpenRouter => json!({"id": format!("gen-{number}"), "provider": "Fake"}),
        };
        envelope["object"] = json!(object);
        envelope["created"] = json!(CREATED);
        envelope["model"] = json!(self.reply.model.as_deref().unwrap_or_else(|| self.call.model()));
        envelope
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Value {
        let mut chunk = self.envelope("chat.completion.chunk");
        let mut choice =
            json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        if self.flavour == Flavour::OpenRouter {
            choice["native_finish_reason"] = json!(finish_reason);
        }
        chunk["choices"] = json!([choice]);
        if self.sends_usage() && self.flavour == Flavour::OpenAi {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    /// OpenAI sends usage on request, without choices; OpenRouter sends it always, with a choice.
    fn sends_usage(&self) -> bool {
        let asked = self.call.body.pointer("/stream_options/include_usage").and_then(Value::as_bool);
        self.reply.names_usage && (self.flavour == Flavour::OpenRouter || asked == Some(true))
    }

    fn usage_chunk(&self) -> Value {
        let mut chunk = self.envelope("chat.completion.chunk");
        chunk["choices"] = match self.flavour {
            Flavour::OpenAi => json!([]),
            Flavour::OpenRouter => json!([{
                "index": 0, "delta": {"role": "assistant", "content": ""},
                "finish_reason": null, "native_finish_reason": null, "logprobs": null,
            }]),
        };
        chunk["usage"] = self.usage();
        chunk
    }

    fn usage(&self) -> Value {
        let Figures { input, cached, output, reasoning, cost } = self.figures;
        let mut usage = json!({
            "prompt_tokens": input,
            "completion_tokens": output,
            "total_tokens": input + output,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": reasoning, "audio_tokens": 0,
                "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        });
        if self.flavour == Flavour::OpenRouter {
            usage["cost"] = json!(cost);
            usage["cost_details"] = json!({"upstream_inference_cost": null});
            usage["is_byok"] = json!(false);
        }
        usage
    }

    fn reasoning_key(&self) -> &'static str {
        match self.flavour {
            Flavour::OpenAi => "reasoning_content",
            Flavour::OpenRouter => "reasoning",
        }
    }
}
