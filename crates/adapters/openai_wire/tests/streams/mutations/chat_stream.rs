//! Streams of Chat Completions.

use serde_json::{Value, json};

use super::answer::{Answer, quoted};
use super::random::Random;
use super::tree::Tree;

/// Returns the events of an answer, before `[DONE]`.
pub(super) fn random(answer: &Answer, is_openrouter: bool, random: &mut Random) -> Vec<Tree> {
    let usage = usage(is_openrouter);
    if random.once_in(8) {
        return vec![whole(answer, &usage)];
    }
    let mut stream = vec![chunk(&json!({"role": "assistant", "content": "", "refusal": null}), &Value::Null)];
    mark_text(&mut stream[0]);
    let field = random.one_of(&["reasoning", "reasoning_content"]);
    for piece in &answer.reasoning {
        let mut event = chunk(&json!({"content": null, field: "", "reasoning_details": []}), &Value::Null);
        mark_text(&mut event);
        event.set(&["choices", "0", "delta", field], quoted(piece), false);
        stream.push(event);
    }
    // Mistral sends typed parts.
    let is_typed = random.once_in(3);
    for (name, pieces) in [("content", &answer.text), ("refusal", &answer.refusal)] {
        for piece in pieces {
            let is_list = is_typed && name == "content";
            let content = if is_list { json!([{"type": "text", "text": ""}]) } else { json!("") };
            let mut event = chunk(&json!({"role": "assistant", name: content}), &Value::Null);
            let path: &[&str] = &["choices", "0", "delta", name, "0", "text"];
            event.set(if is_list { path } else { &path[..4] }, quoted(piece), true);
            stream.push(event);
        }
    }
    if answer.has_call {
        let function = |function: &Value| json!({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": function}]});
        stream.push(chunk(&function(&json!({"name": "sum", "arguments": "{\"a\":"})), &Value::Null));
        stream.push(chunk(&function(&json!({"arguments": "1}"})), &Value::Null));
    }
    let reason = if answer.has_call { "tool_calls" } else { random.one_of(&["stop", "length", "STOP", ""]) };
    let mut last = chunk(&json!({"content": ""}), &json!(reason));
    mark_text(&mut last);
    stream.push(last);
    if answer.has_usage {
        let mut event = json!({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": usage});
        if is_openrouter {
            event["provider"] = json!("X");
        }
        stream.push(Tree::of(event));
    }
    stream
}

fn chunk(delta: &Value, reason: &Value) -> Tree {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason, "native_finish_reason": reason});
    Tree::of(json!({
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "error": null, "choices": [choice], "usage": null,
    }))
}

/// Marks the empty text of an event as needed: with another value, it would be text.
fn mark_text(event: &mut Tree) {
    for name in ["content", "refusal"] {
        if event.to_json().contains(&format!("{name:?}:")) {
            let value = if event.to_json().contains(&format!("{name:?}:null")) { "null" } else { "\"\"" };
            event.set(&["choices", "0", "delta", name], value.to_owned(), true);
        }
    }
}

/// The answer of a server that does not stream.
fn whole(answer: &Answer, usage: &Value) -> Tree {
    let call = json!({"id": "c1", "type": "function", "function": {"name": "sum", "arguments": "{}"}});
    let message = json!({
        "role": "assistant", "content": null, "refusal": null, "reasoning_content": null, "annotations": [],
        "tool_calls": if answer.has_call { json!([call]) } else { Value::Null },
    });
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"});
    let mut event =
        Tree::of(json!({"id": "c", "object": "chat.completion", "choices": [choice], "usage": usage}));
    for (name, pieces, is_visible) in [
        ("content", &answer.text, true),
        ("refusal", &answer.refusal, true),
        ("reasoning_content", &answer.reasoning, false),
    ] {
        let json = if pieces.is_empty() { "null".to_owned() } else { quoted(&pieces.concat()) };
        event.set(&["choices", "0", "message", name], json, is_visible);
    }
    event
}

fn usage(is_openrouter: bool) -> Value {
    let mut usage = json!({
        "prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 5},
    });
    if is_openrouter {
        usage["cost"] = json!(0.000_14);
        usage["is_byok"] = json!(false);
        usage["cost_details"] = json!({"upstream_inference_cost": null});
    }
    usage
}
