//! The events of streamed answers, in the order in which OpenAI sends them.

use omnichat_bench::models::TOKEN;
use serde_json::{Value, json};

const CREATED: u32 = 1_700_000_000;
const INPUT_TOKENS: usize = 10;

/// The events of a streamed answer.
#[derive(Debug)]
pub(crate) struct Events {
    pub(crate) opening: Vec<String>,
    pub(crate) tokens: Vec<String>,
    pub(crate) end: Vec<String>,
}

/// A whole chat completion.
pub(crate) fn completion(model: &str, tokens: usize) -> Value {
    let message = json!({"role": "assistant", "content": text(tokens), "refusal": null});
    json!({
        "id": "chatcmpl-bench", "object": "chat.completion", "created": CREATED, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": chat_usage(tokens),
    })
}

/// A streamed chat completion: the role, the tokens, the finish reason, the usage.
pub(crate) fn chat(model: &str, tokens: usize) -> Events {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": CREATED, "model": model,
            "choices": choices, "usage": usage,
        });
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
    };
    Events {
        opening: vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)],
        tokens: (0..tokens).map(|index| delta(json!({"content": token(index)}), Value::Null)).collect(),
        end: vec![
            delta(json!({}), json!("stop")),
            chunk(json!([]), chat_usage(tokens)),
            "data: [DONE]\n\n".to_owned(),
        ],
    }
}

/// A streamed response.
pub(crate) fn responses(model: &str, tokens: usize) -> Events {
    let mut sequence = 0;
    let mut event = |name: &str, mut fields: Value| {
        fields["type"] = json!(name);
        fields["sequence_number"] = json!(sequence);
        sequence += 1;
        format!("event: {name}\ndata: {fields}\n\n")
    };
    let response = |status: &str, output: Value, usage: Value| {
        json!({"response": {
            "id": "resp_bench", "object": "response", "created_at": CREATED, "status": status,
            "error": null, "incomplete_details": null, "model": model, "output": output, "usage": usage,
        }})
    };
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let item = |status: &str, content: Value| json!({"id": "msg_bench", "type": "message", "status": status, "role": "assistant", "content": content});
    let in_part = |mut fields: Value| {
        fields["item_id"] = json!("msg_bench");
        fields["output_index"] = json!(0);
        fields["content_index"] = json!(0);
        fields
    };
    let whole = text(tokens);
    let done = item("completed", json!([part(&whole)]));
    Events {
        opening: vec![
            event("response.created", response("in_progress", json!([]), Value::Null)),
            event("response.in_progress", response("in_progress", json!([]), Value::Null)),
            event(
                "response.output_item.added",
                json!({"output_index": 0, "item": item("in_progress", json!([]))}),
            ),
            event("response.content_part.added", in_part(json!({"part": part("")}))),
        ],
        tokens: (0..tokens)
            .map(|index| {
                event("response.output_text.delta", in_part(json!({"delta": token(index), "logprobs": []})))
            })
            .collect(),
        end: vec![
            event("response.output_text.done", in_part(json!({"text": whole, "logprobs": []}))),
            event("response.content_part.done", in_part(json!({"part": part(&whole)}))),
            event("response.output_item.done", json!({"output_index": 0, "item": done})),
            event("response.completed", response("completed", json!([done]), responses_usage(tokens))),
            "data: [DONE]\n\n".to_owned(),
        ],
    }
}

fn token(index: usize) -> String {
    if index == 0 { TOKEN.to_owned() } else { format!(" {TOKEN}") }
}

fn text(tokens: usize) -> String {
    vec![TOKEN; tokens].join(" ")
}

fn chat_usage(tokens: usize) -> Value {
    json!({
        "prompt_tokens": INPUT_TOKENS, "completion_tokens": tokens, "total_tokens": INPUT_TOKENS + tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    })
}

fn responses_usage(tokens: usize) -> Value {
    json!({
        "input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": INPUT_TOKENS + tokens,
    })
}
