//! What ends an answer: a broken one is never stored as completed, and a complete one never as broken.

use serde_json::{Value, json};
use testkit::fake_llm::Reply;

use crate::support::raw_replies::{
    Becomes, Case, Wire, app_on, check, chunk, completed, done, events, finished, output, response, said,
};
use crate::support::{Store, on_both_stores};

on_both_stores!(the_end_of_a_chat_completion_decides, the_end_of_a_response_decides);

const TRUNCATED: Becomes = Becomes::Failed("upstream_truncated", "one two");
/// A failure that the provider named, of whatever class.
const FAILED: Becomes = Becomes::Failed("upstream_", "one two");
const COMPLETED: Becomes = Becomes::Completed("one two");
const EMPTY: Becomes = Becomes::Failed("upstream_empty", "");

/// A chat completion of two words and these events.
fn words_and(rest: &[Value]) -> Reply {
    events(&[&[said("one "), said("two")], rest].concat())
}

async fn the_end_of_a_chat_completion_decides(store: Store) {
    let app = app_on(store, Wire::Chat, &[]).await;
    let empty_reason =
        |text: &str| chunk(&json!({"index": 0, "delta": {"content": text}, "finish_reason": ""}));
    let empty_reasons =
        |rest: &[Value]| events(&[&[empty_reason("one "), empty_reason("two")], rest].concat());
    let mut cases = vec![
        Case::new("no finish reason, no [DONE]", words_and(&[]), TRUNCATED),
        Case::new("an empty finish reason, no [DONE]", empty_reasons(&[]), TRUNCATED),
        Case::new("a blank finish reason, no [DONE]", words_and(&[finished(" ")]), TRUNCATED),
        Case::new("empty finish reasons, then `length`", empty_reasons(&[finished("length")]), COMPLETED),
        Case::new("empty finish reasons up to [DONE]", empty_reasons(&[done()]), COMPLETED),
        Case::new("no finish reason, [DONE]", words_and(&[done()]), COMPLETED),
        Case::new("`stop`, no [DONE]", words_and(&[finished("stop")]), COMPLETED),
        Case::new(
            "an error after the words, then [DONE]",
            words_and(&[json!({"error": {"message": "no", "code": 500}}), done()]),
            FAILED,
        ),
    ];
    for reason in ["STOP", "Stop", "eos", "end_turn", "stop_sequence", "max_tokens", "MAX_TOKENS", "Length"] {
        cases.push(Case::new(reason, words_and(&[finished(reason), done()]), COMPLETED));
    }
    for reason in
        ["insufficient_system_resource", "network_error", "abort", "ABORT", "error", "failed", "timeout"]
    {
        cases.push(Case::new(reason, words_and(&[finished(reason), done()]), FAILED));
    }
    for key in ["reasoning_content", "reasoning"] {
        let thought = chunk(&json!({"index": 0, "delta": {key: "hm, well"}}));
        let reply = events(&[thought, finished("stop"), done()]);
        cases.push(Case::new(format!("{key} alone"), reply, EMPTY));
    }
    check(&app, cases).await;
}

async fn the_end_of_a_response_decides(store: Store) {
    let app = app_on(store, Wire::Responses, &[]).await;
    let words_and = |rest: &[Value]| events(&[&[output("one "), output("two")], rest].concat());
    let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let with = |kind: &str, key: &str, value: Value| {
        let mut event = at.clone();
        event["type"] = json!(kind);
        event[key] = value;
        event
    };
    let message =
        |part: Value| json!({"id": "msg_1", "type": "message", "role": "assistant", "content": [part]});
    let text = json!({"type": "output_text", "text": "one two"});
    let refusal = json!({"type": "refusal", "refusal": "one two"});
    let no_usage = Value::Null;
    let at_the_end = |output: Value| events(&[response("completed", &output, &no_usage)]);
    let thought = json!({"type": "response.reasoning_summary_text.delta", "delta": "hm, well"});
    let cases = vec![
        Case::new("thoughts alone", events(&[thought, completed()]), EMPTY),
        Case::new("no end", words_and(&[]), TRUNCATED),
        Case::new("an end", words_and(&[completed()]), COMPLETED),
        Case::new(
            "incomplete for its length",
            words_and(&[json!({"type": "response.incomplete", "response": {
                "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
            }})]),
            COMPLETED,
        ),
        Case::new("failed", words_and(&[response("failed", &json!([]), &no_usage)]), FAILED),
        Case::new(
            "completed, with the status failed",
            words_and(&[json!({"type": "response.completed", "response": {"status": "failed"}})]),
            FAILED,
        ),
        Case::new(
            "text in output_text.done alone",
            events(&[with("response.output_text.done", "text", json!("one two")), completed()]),
            COMPLETED,
        ),
        Case::new(
            "text in content_part.done alone",
            events(&[with("response.content_part.done", "part", text.clone()), completed()]),
            COMPLETED,
        ),
        Case::new(
            "text in output_item.done alone",
            events(&[with("response.output_item.done", "item", message(text.clone())), completed()]),
            COMPLETED,
        ),
        Case::new("text in the response alone", at_the_end(json!([message(text.clone())])), COMPLETED),
        Case::new(
            "text everywhere, to be taken once",
            words_and(&[
                with("response.output_text.done", "text", json!("one two")),
                with("response.content_part.done", "part", text.clone()),
                with("response.output_item.done", "item", message(text.clone())),
                response("completed", &json!([message(text)]), &no_usage),
            ]),
            COMPLETED,
        ),
        Case::new(
            "a refusal in refusal.done alone",
            events(&[with("response.refusal.done", "refusal", json!("one two")), completed()]),
            COMPLETED,
        ),
        Case::new(
            "a refusal in output_item.done alone",
            events(&[with("response.output_item.done", "item", message(refusal.clone())), completed()]),
            COMPLETED,
        ),
        Case::new("a refusal in the response alone", at_the_end(json!([message(refusal)])), COMPLETED),
    ];
    check(&app, cases).await;
}
