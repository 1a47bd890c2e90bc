//! Streams of Chat Completions, as providers send them.

use domain::{Delta, FailureKind, FinishReason, JsonText, NanoDollars, ReportedUsage};
use omnichat_openai_wire::{ChatDecoder, Redaction};
use ports::{ModelError, ModelEvent};

use crate::support::{finished, say};

const ROLE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}"#;
const HEL: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}"#;
const LO: &str = r#"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}],"usage":null}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;
const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":15,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ChatDecoder::new(Redaction::default()), frames)
}

#[test]
fn an_answer_ends_with_its_reason_and_its_usage() {
    let (events, error) = read(&[ROLE, HEL, LO, STOP, USAGE, "[DONE]"]);
    assert!(error.is_none());
    let usage = ReportedUsage { input: Some(10), cached_input: 4, output: Some(15), reasoning: 5 };
    let usage = ModelEvent::Usage { usage, cost: None };
    assert_eq!(events, [say("Hel"), say("lo"), usage, finished(FinishReason::Stop)]);
}

#[test]
fn openrouter_sends_its_cost_beside_a_choice() {
    let last = r#"{"id":"gen-1","provider":"X","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null,"native_finish_reason":null}],"usage":{"prompt_tokens":1,"completion_tokens":2,"cost":0.00014,"cost_details":{"upstream_inference_cost":null}}}"#;
    let (events, _) = read(&[HEL, STOP, last, "[DONE]"]);
    let usage = ReportedUsage { input: Some(1), output: Some(2), ..ReportedUsage::default() };
    let usage = ModelEvent::Usage { usage, cost: Some(NanoDollars(140_000)) };
    assert_eq!(events, [say("Hel"), usage, finished(FinishReason::Stop)]);
}

#[test]
fn a_clean_end_without_done_needs_a_reason() {
    assert_eq!(read(&[HEL, STOP]).0, [say("Hel"), finished(FinishReason::Stop)]);
    for frames in [&[][..], &[ROLE], &[HEL, LO], &[HEL, USAGE]] {
        assert!(matches!(read(frames).1, Some(ModelError::Truncated)), "{frames:?}");
    }
}

#[test]
fn an_error_in_the_stream_stays_an_error() {
    let openrouter = r#"{"id":"gen-1","object":"chat.completion.chunk","error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;
    let empty_choices = r#"{"error":{"code":429,"message":"slow down"},"choices":[]}"#;
    let vllm =
        r#"{"error":{"object":"error","message":"bad","type":"BadRequestError","param":null,"code":400}}"#;
    let older = r#"{"object":"error","message":"bad","type":"BadRequestError","code":400}"#;
    let openai =
        r#"{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}"#;
    let bare = r#"{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#;
    for (frame, before, after) in [
        (openrouter, FailureKind::Unavailable, FailureKind::Broken),
        (empty_choices, FailureKind::RateLimited, FailureKind::RateLimited),
        (vllm, FailureKind::Rejected, FailureKind::Rejected),
        (older, FailureKind::Rejected, FailureKind::Rejected),
        (openai, FailureKind::Unavailable, FailureKind::Broken),
        (bare, FailureKind::Broken, FailureKind::Broken),
    ] {
        let (events, error) = read(&[ROLE, frame, STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![], before), "{frame}");
        let (events, error) = read(&[HEL, frame, LO, STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], after), "{frame}");
        // Even after a finish reason.
        let (events, error) = read(&[HEL, STOP, frame, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], after), "{frame}");
    }
}

#[test]
fn done_in_the_text_is_text() {
    let frame = r#"{"choices":[{"delta":{"content":"[DONE]"}}]}"#;
    let nested = r#"{"choices":[{"delta":{"content":"a\n\ndata: [DONE]\n\n"}}]}"#;
    let (events, _) = read(&[frame, nested, STOP, "[DONE]"]);
    assert_eq!(crate::support::text(&events), "[DONE]a\n\ndata: [DONE]\n\n");
}

#[test]
fn events_after_the_end_are_ignored() {
    let error = r#"{"error":{"message":"late"}}"#;
    let (events, _) = read(&[HEL, STOP, "[DONE]", LO, error, "{", "[DONE]"]);
    assert_eq!(events, [say("Hel"), finished(FinishReason::Stop)]);
}

#[test]
fn events_without_content_are_ignored() {
    let azure = r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#;
    let nulls = r#"{"choices":null,"usage":null,"error":null}"#;
    let other_choice = r#"{"choices":[{"index":1,"delta":{"content":"no"}},{"delta":null}]}"#;
    let nul = r#"{"choices":[{"delta":{"content":"a\u0000b"}}]}"#;
    let (events, _) = read(&["", "  ", azure, "{}", nulls, other_choice, nul, STOP, "[DONE]"]);
    assert_eq!(crate::support::text(&events), "a\u{fffd}b");
}

#[test]
fn an_event_that_is_not_json_breaks_the_answer() {
    for frame in ["{", "null!", "[1", r#"{"choices":42}"#, r#"{"choices":[{"delta":{"content":7}}]}"#] {
        let (events, error) = read(&[HEL, frame, STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], FailureKind::Broken), "{frame}");
    }
}

#[test]
fn fragments_make_whole_tool_calls() {
    let frames = [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"clock","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"sum","arguments":"{\"a\""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":""}},{"index":1,"function":{"arguments":":1}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        "[DONE]",
    ];
    let call = |call: &str, name: &str, arguments: &str| {
        ModelEvent::Delta(Delta::ToolCall {
            call: call.to_owned(),
            name: name.to_owned(),
            arguments: JsonText::from_parsed(arguments.to_owned()),
        })
    };
    let expected =
        [call("c1", "clock", "{}"), call("c2", "sum", r#"{"a":1}"#), finished(FinishReason::ToolCalls)];
    assert_eq!(read(&frames).0, expected);
}

#[test]
fn a_tool_call_without_an_index_is_complete() {
    let frames = [
        r#"{"choices":[{"delta":{"tool_calls":[{"id":"c1","function":{"name":"a","arguments":"{}"}},{"id":"c2","function":{"name":"b","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
    ];
    assert_eq!(read(&frames).0.len(), 3);
}

#[test]
fn a_tool_call_that_was_cut_off_is_left_out() {
    let call = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"a","arguments":"{\"x\":"}}]}}]}"#;
    let cut = r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#;
    assert_eq!(read(&[HEL, call, cut]).0, [say("Hel"), finished(FinishReason::Length)]);
    assert!(matches!(read(&[HEL, call, STOP]).1, Some(ModelError::Broken(_))));
}

#[test]
fn reasoning_and_refusals_are_distinguished() {
    let frames = [
        r#"{"choices":[{"delta":{"content":"","reasoning":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_content":"well"}}]}"#,
        r#"{"choices":[{"delta":{"refusal":"No."}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#,
    ];
    let expected = [
        ModelEvent::Delta(Delta::Reasoning("hm".into())),
        ModelEvent::Delta(Delta::Reasoning("well".into())),
        ModelEvent::Delta(Delta::Refusal("No.".into())),
        finished(FinishReason::ContentFilter),
    ];
    assert_eq!(read(&frames).0, expected);
}

#[test]
fn an_unknown_reason_is_passed_on() {
    let frame = r#"{"choices":[{"delta":{},"finish_reason":"pause_turn"}]}"#;
    assert_eq!(read(&[frame]).0, [finished(FinishReason::Other("pause_turn".into()))]);
}
