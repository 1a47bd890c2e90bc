//! Streams of the Responses API, as `OpenAI` and compatible servers send them.

use domain::{Delta, FailureKind, FinishReason, JsonText, ReportedUsage, ResponseId};
use omnichat_openai_wire::{Redaction, ResponsesDecoder};
use ports::{ModelError, ModelEvent};

use crate::support::{finished, say};

const OPENING: [&str; 4] = [
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","output":[],"usage":null,"error":null}}"#,
    r#"{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1"}}"#,
    r#"{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}"#,
    r#"{"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#,
];
const HEL: &str = r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hel","logprobs":[],"obfuscation":"x8"}"#;
const LO: &str = r#"{"type":"response.output_text.delta","sequence_number":5,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"lo"}"#;
const CLOSING: [&str; 3] = [
    r#"{"type":"response.output_text.done","item_id":"msg_1","output_index":0,"content_index":0,"text":"Hello"}"#,
    r#"{"type":"response.content_part.done","part":{"type":"output_text","text":"Hello"}}"#,
    r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}}"#,
];
const COMPLETED: &str = r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","status":"completed","error":null,"incomplete_details":null,"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":15,"output_tokens_details":{"reasoning_tokens":5},"total_tokens":25}}}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ResponsesDecoder::new(Redaction::default()), frames)
}

#[test]
fn an_answer_ends_with_its_usage() {
    let frames = [&OPENING[..], &[HEL, LO], &CLOSING, &[COMPLETED, "[DONE]"]].concat();
    let (events, error) = read(&frames);
    assert!(error.is_none());
    let usage = ReportedUsage { input: Some(10), cached_input: 4, output: Some(15), reasoning: 5 };
    let usage = ModelEvent::Usage { usage, cost: None };
    let response = ResponseId::parse("resp_1".to_owned());
    let end = ModelEvent::Finished { response, reason: FinishReason::Stop };
    assert_eq!(events, [say("Hel"), say("lo"), usage, end]);
}

#[test]
fn only_a_terminal_event_ends_the_answer() {
    for frames in [&[][..], &OPENING, &[HEL, LO], &[HEL, CLOSING[2]], &[HEL, "[DONE]"]] {
        let error = read(frames).1;
        assert!(matches!(error, Some(ModelError::Truncated)), "{frames:?}");
    }
}

#[test]
fn an_incomplete_answer_has_a_reason() {
    for (details, reason) in [
        (r#"{"reason":"max_output_tokens"}"#, FinishReason::Length),
        (r#"{"reason":"content_filter"}"#, FinishReason::ContentFilter),
        (r#"{"reason":"new"}"#, FinishReason::Other("new".into())),
        ("null", FinishReason::Other("incomplete".into())),
    ] {
        let frame = format!(
            r#"{{"type":"response.incomplete","response":{{"status":"incomplete","incomplete_details":{details}}}}}"#
        );
        assert_eq!(read(&[HEL, &frame]).0, [say("Hel"), finished(reason)]);
    }
}

#[test]
fn every_form_of_an_error_is_an_error() {
    let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"sorry"}}}"#;
    let flat =
        r#"{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null,"sequence_number":3}"#;
    let nested = r#"{"type":"error","error":{"type":"invalid_request_error","code":"invalid_prompt","message":"no","param":null}}"#;
    let merged = r#"{"type":"error","code":"server_error","message":"m","error":{"type":"server_error","message":"m"}}"#;
    let untyped = r#"{"error":{"message":"m","code":502}}"#;
    let silent = r#"{"type":"response.failed","response":{"status":"failed"}}"#;
    for (frame, before, after) in [
        (failed, FailureKind::Unavailable, FailureKind::Broken),
        (flat, FailureKind::RateLimited, FailureKind::RateLimited),
        (nested, FailureKind::Rejected, FailureKind::Rejected),
        (merged, FailureKind::Unavailable, FailureKind::Broken),
        (untyped, FailureKind::Unavailable, FailureKind::Broken),
        (silent, FailureKind::Broken, FailureKind::Broken),
    ] {
        let (events, error) = read(&[OPENING[0], frame, COMPLETED, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![], before), "{frame}");
        let (events, error) = read(&[HEL, frame, COMPLETED]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], after), "{frame}");
    }
}

#[test]
fn unknown_events_are_ignored() {
    let frames = [
        "",
        "{}",
        r#"{"type":"response.new.thing","delta":{"x":1}}"#,
        r#"{"type":"acme:thing"}"#,
        r#"{"type":"response.output_item.done","item":{"type":"web_search_call","id":"ws_1"}}"#,
        HEL,
        COMPLETED,
        r#"{"type":"error","message":"late"}"#,
    ];
    assert_eq!(crate::support::text(&read(&frames).0), "Hel");
}

#[test]
fn an_event_that_is_not_json_breaks_the_answer() {
    for frame in ["{", "words", r#"{"type":"response.output_text.delta","delta":7}"#, r#"{"delta":"lo"}"#] {
        assert!(matches!(read(&[HEL, frame, COMPLETED]).1, Some(ModelError::Broken(_))), "{frame}");
    }
}

#[test]
fn a_tool_call_is_complete() {
    let frames = [
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"sum","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.delta","item_id":"fc_1","output_index":0,"delta":"{\"a\""}"#,
        r#"{"type":"response.function_call_arguments.done","item_id":"fc_1","output_index":0,"arguments":"{\"a\":1}"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c1","name":"sum","arguments":"{\"a\":1}","status":"completed"}}"#,
        r#"{"type":"response.completed","response":{"status":"completed"}}"#,
    ];
    let call = Delta::ToolCall {
        call: "c1".into(),
        name: "sum".into(),
        arguments: JsonText::from_parsed(r#"{"a":1}"#.into()),
    };
    assert_eq!(read(&frames).0, [ModelEvent::Delta(call), finished(FinishReason::ToolCalls)]);
}

#[test]
fn a_tool_call_that_was_cut_off_is_left_out() {
    let call = r#"{"type":"response.output_item.done","item":{"type":"function_call","call_id":"c","name":"sum","arguments":"{\"a","status":"incomplete"}}"#;
    let end =
        r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#;
    assert_eq!(read(&[call, end]).0, [finished(FinishReason::Length)]);
}

#[test]
fn reasoning_and_refusals_are_distinguished() {
    let frames = [
        r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#,
        r#"{"type":"response.reasoning_text.delta","delta":"b"}"#,
        r#"{"type":"response.reasoning.delta","delta":"c"}"#,
        r#"{"type":"response.refusal.delta","delta":"No."}"#,
        r#"{"type":"response.refusal.done","refusal":"No."}"#,
        r#"{"type":"response.completed","response":{}}"#,
    ];
    let thought = |text: &str| ModelEvent::Delta(Delta::Reasoning(text.into()));
    let refusal = ModelEvent::Delta(Delta::Refusal("No.".into()));
    assert_eq!(
        read(&frames).0,
        [thought("a"), thought("b"), thought("c"), refusal, finished(FinishReason::Stop)]
    );
}
