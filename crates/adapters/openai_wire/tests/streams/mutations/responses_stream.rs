//! Streams of the Responses API.

use serde_json::{Value, json};

use super::answer::{Answer, quoted};
use super::random::Random;
use super::tree::Tree;

/// Returns the events of an answer. One of those with the complete text is fixed.
pub(super) fn random(answer: &Answer, random: &mut Random) -> Vec<Tree> {
    let mut stream = Stream { events: Vec::new(), output: Vec::new() };
    stream.push("response.created", json!({"response": response("in_progress", &Value::Null)}));
    if !answer.reasoning.is_empty() {
        stream.reasoning(&answer.reasoning, random);
    }
    let with_deltas = !random.once_in(4);
    stream.message(answer, with_deltas);
    if answer.has_call {
        stream.call();
    }
    stream.end(answer)
}

struct Stream {
    events: Vec<Tree>,
    /// The items of the complete response.
    output: Vec<Tree>,
}

impl Stream {
    fn push(&mut self, kind: &str, mut event: Value) -> &mut Tree {
        event["type"] = json!(kind);
        event["sequence_number"] = json!(self.events.len());
        self.events.push(Tree::of(event));
        self.events.last_mut().unwrap()
    }

    fn reasoning(&mut self, pieces: &[Vec<u16>], random: &mut Random) {
        let kind = random.one_of(&["reasoning_text", "reasoning_summary_text", "reasoning"]);
        let place = json!({"item_id": "rs_1", "output_index": 0, "content_index": 0});
        let item =
            json!({"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": ""}]});
        self.push("response.output_item.added", json!({"output_index": 0, "item": item}));
        for piece in pieces {
            self.push(&format!("response.{kind}.delta"), with(&place, json!({"delta": ""}))).set(
                &["delta"],
                quoted(piece),
                false,
            );
        }
        let whole = quoted(&pieces.concat());
        self.push(&format!("response.{kind}.done"), with(&place, json!({"text": ""}))).set(
            &["text"],
            whole.clone(),
            false,
        );
        let done = self.push("response.output_item.done", json!({"output_index": 0, "item": item}));
        done.set(&["item", "summary", "0", "text"], whole.clone(), false);
        let mut item = Tree::of(item);
        item.set(&["summary", "0", "text"], whole, false);
        self.output.push(item);
    }

    fn message(&mut self, answer: &Answer, with_deltas: bool) {
        let index = self.output.len();
        let (name, kind, pieces) = match answer.refusal.as_slice() {
            [] => ("text", "output_text", &answer.text),
            refusal => ("refusal", "refusal", &refusal.to_vec()),
        };
        let place = json!({"item_id": "msg_1", "output_index": index, "content_index": 0});
        let part = json!({"type": kind, name: "", "annotations": []});
        let item = |content: Value| json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content});
        self.push("response.output_item.added", json!({"output_index": index, "item": item(json!([]))}));
        self.push("response.content_part.added", with(&place, json!({"part": part})));
        if with_deltas {
            for piece in pieces {
                let event = with(&place, json!({"delta": "", "logprobs": []}));
                self.push(&format!("response.{kind}.delta"), event).set(&["delta"], quoted(piece), false);
            }
        }
        let whole = quoted(&pieces.concat());
        self.push(&format!("response.{kind}.done"), with(&place, json!({name: ""}))).set(
            &[name],
            whole.clone(),
            false,
        );
        let done = self.push("response.content_part.done", with(&place, json!({"part": part})));
        done.set(&["part", name], whole.clone(), false);
        let done = self
            .push("response.output_item.done", json!({"output_index": index, "item": item(json!([part]))}));
        done.set(&["item", "content", "0", name], whole.clone(), false);
        let mut item = Tree::of(item(json!([part])));
        item.set(&["content", "0", name], whole, false);
        self.output.push(item);
    }

    fn call(&mut self) {
        let index = self.output.len();
        let item = json!({"id": "fc_1", "type": "function_call", "call_id": "c1", "name": "sum", "arguments": "{\"a\":1}", "status": "completed"});
        let place = json!({"item_id": "fc_1", "output_index": index});
        self.push("response.function_call_arguments.delta", with(&place, json!({"delta": "{\"a\":1}"})));
        self.push("response.function_call_arguments.done", with(&place, json!({"arguments": "{\"a\":1}"})));
        self.push("response.output_item.done", json!({"output_index": index, "item": item}));
        self.output.push(Tree::of(item));
    }

    /// Adds the last event. Its output and the names that lead to it are left alone.
    fn end(mut self, answer: &Answer) -> Vec<Tree> {
        let usage = json!({
            "input_tokens": 9, "output_tokens": 7, "total_tokens": 16,
            "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 5},
        });
        let usage = if answer.has_usage { usage } else { Value::Null };
        let Tree::Object(mut response) = Tree::of(response("completed", &usage)) else {
            unreachable!("an object")
        };
        response.retain(|(name, _)| name != "output");
        response.push(("output".to_owned(), Tree::Fixed(Box::new(Tree::List(self.output)))));
        let kind = Tree::Scalar(json!("response.completed").to_string());
        self.events.push(Tree::Object(vec![
            ("type".to_owned(), Tree::Fixed(Box::new(kind))),
            ("sequence_number".to_owned(), Tree::Scalar("99".to_owned())),
            ("response".to_owned(), Tree::Kept(Box::new(Tree::Object(response)))),
        ]));
        self.events
    }
}

fn response(status: &str, usage: &Value) -> Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "model": "m", "output": [],
        "parallel_tool_calls": true, "tools": [], "usage": usage,
    })
}

fn with(place: &Value, mut event: Value) -> Value {
    for (name, value) in place.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}
