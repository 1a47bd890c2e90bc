//! Streams of Chat Completions with odd fields, as compatible servers send them.

use domain::{FailureKind, FinishReason, ReportedUsage};
use omnichat_openai_wire::{ChatDecoder, Redaction};
use ports::{ModelError, ModelEvent};
use serde_json::json;

use crate::support::{call, finished, refuse, say, think};

const HEL: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#;
const LO: &str = r#"{"choices":[{"index":0,"delta":{"content":"lo"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ChatDecoder::new(Redaction::default()), frames)
}

/// A stream of one more event between two deltas gives these events between them.
#[track_caller]
fn between(frame: &str, expected: &[ModelEvent]) {
    let (events, error) = read(&[HEL, frame, LO, STOP, "[DONE]"]);
    assert!(error.is_none(), "{frame}: {error:?}");
    let all = [&[say("Hel")], expected, &[say("lo"), finished(FinishReason::Stop)]].concat();
    assert_eq!(events, all, "{frame}");
}

fn with_reason(reason: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{}},"finish_reason":{reason}}}]}}"#)
}

fn with_content(content: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"role":"assistant","content":{content}}}}}]}}"#)
}

#[test]
fn done_is_an_end_without_a_reason() {
    for frames in [&[HEL, "[DONE]"][..], &[HEL, r#""[DONE]""#], &[HEL, " [done] "]] {
        assert_eq!(read(frames).0, [say("Hel"), finished(FinishReason::Stop)], "{frames:?}");
    }
    assert_eq!(read(&["[DONE]"]).0, [finished(FinishReason::Stop)]);
    let two_in_one = format!("{HEL}\n{LO}\ndata: {STOP}\n[DONE]");
    assert_eq!(read(&[&two_in_one]).0, [say("Hel"), say("lo"), finished(FinishReason::Stop)]);
}

#[test]
fn an_empty_reason_is_no_reason() {
    for empty in [r#""""#, r#""  ""#, "null", r#""null""#, "7", "true", "{}", "[]", r#"{"type":null}"#] {
        let empty = with_reason(empty);
        assert!(matches!(read(&[HEL, &empty]).1, Some(ModelError::Truncated)), "{empty}");
        assert_eq!(read(&[HEL, &empty, "[DONE]"]).0, [say("Hel"), finished(FinishReason::Stop)], "{empty}");
        let length = with_reason(r#""length""#);
        for frames in [[HEL, &empty, &length], [HEL, &length, &empty]] {
            assert_eq!(read(&frames).0, [say("Hel"), finished(FinishReason::Length)], "{frames:?}");
        }
    }
}

#[test]
fn a_reason_has_many_names() {
    for (name, reason) in [
        ("STOP", FinishReason::Stop),
        ("eos", FinishReason::Stop),
        ("end_turn", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("tool_use", FinishReason::ToolCalls),
        ("OTHER", FinishReason::Other("OTHER".into())),
    ] {
        let frame = with_reason(&format!("{name:?}"));
        assert_eq!(read(&[HEL, &frame]).0, [say("Hel"), finished(reason.clone())], "{name}");
        let native = format!(
            r#"{{"choices":[{{"delta":{{}},"finish_reason":null,"native_finish_reason":{name:?}}}]}}"#
        );
        assert_eq!(read(&[HEL, &native]).0, [say("Hel"), finished(reason)], "{name}");
    }
}

#[test]
fn a_reason_that_names_a_failure_is_one() {
    for name in [
        "insufficient_system_resource",
        "network_error",
        "abort",
        "error",
        "cancelled",
        "MALFORMED_FUNCTION_CALL",
    ] {
        let frame = format!(r#"{{"choices":[{{"delta":{{"content":"lo"}},"finish_reason":{name:?}}}]}}"#);
        let (events, error) = read(&[HEL, &frame, "[DONE]"]);
        assert_eq!(
            (events, error.unwrap().failure()),
            (vec![say("Hel"), say("lo")], FailureKind::Broken),
            "{name}"
        );
        let (events, error) = read(&[HEL, STOP, &with_reason(&format!("{name:?}")), "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], FailureKind::Broken), "{name}");
    }
    let (_, error) = read(&[&with_reason(r#""network_error""#)]);
    assert_eq!(error.unwrap().failure(), FailureKind::Unavailable);
}

#[test]
fn the_stronger_of_two_reasons_counts() {
    let [stop, length, calls, other] =
        ["stop", "length", "tool_calls", "x"].map(|name| with_reason(&format!("{name:?}")));
    for (frames, reason) in [
        ([&stop, &length], FinishReason::Length),
        ([&length, &stop], FinishReason::Length),
        ([&calls, &stop], FinishReason::ToolCalls),
        ([&other, &stop], FinishReason::Stop),
    ] {
        assert_eq!(
            read(&[HEL, frames[0], frames[1], "[DONE]"]).0,
            [say("Hel"), finished(reason)],
            "{frames:?}"
        );
    }
}

#[test]
fn content_may_be_a_list_of_typed_parts() {
    for (content, expected) in [
        (r#"[{"type":"text","text":"a"},{"type":"text","text":"b"}]"#, vec![say("a"), say("b")]),
        (
            r#"[{"type":"thinking","thinking":[{"type":"text","text":"hm"}],"closed":true},{"type":"text","text":"a"}]"#,
            vec![think("hm"), say("a")],
        ),
        (
            r#"[{"type":"thinking","thinking":"hm"},{"type":"output_text","text":"a"}]"#,
            vec![think("hm"), say("a")],
        ),
        (r#"[{"type":"reasoning","text":"hm"},{"text":"a"}]"#, vec![think("hm"), say("a")]),
        (r#"[{"type":"reference","reference_ids":[1]},{"type":"text","text":"a"}]"#, vec![say("a")]),
        (r#"[{"type":"image_url","image_url":{"url":"u"}},null,{},[]]"#, vec![]),
        (r#"[{"type":"refusal","refusal":"No."}]"#, vec![refuse("No.")]),
        (r#"{"type":"text","text":"a"}"#, vec![say("a")]),
        (r#"{"type":"text","text":{"value":"a","annotations":[]}}"#, vec![say("a")]),
        (r#"{"type":7,"text":"a"}"#, vec![say("a")]),
        (r#"{"type":"text","text":null}"#, vec![]),
        ("[]", vec![]),
        ("{}", vec![]),
        ("null", vec![]),
    ] {
        between(&with_content(content), &expected);
    }
}

#[test]
fn content_that_cannot_be_read_is_an_error() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for content in [
        "7",
        "true",
        "false",
        "[7]",
        r#"["a"]"#,
        r#"{"x":1}"#,
        r#"{"text":7}"#,
        r#""a","content":"b""#,
        &deep,
    ] {
        let (events, error) = read(&[HEL, &with_content(content), STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], FailureKind::Broken), "{content}");
    }
    between(&with_content(r#""a","content":"a","content":null"#), &[say("a")]);
}

#[test]
fn odd_fields_cost_nothing() {
    for frame in [
        r#"{"choices":[null]}"#,
        r#"{"choices":{}}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[{}]}"#,
        r#"{"choices":[{"index":0}]}"#,
        r#"{"choices":[{"delta":null}]}"#,
        r#"{"choices":[{"delta":[]}]}"#,
        r#"{"choices":[{"delta":{},"logprobs":7}]}"#,
        r#"{"choices":[{"delta":{"role":7,"tool_calls":null,"function_call":{},"refusal":[]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[null,{}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":7,"reasoning_content":{"x":1}}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#,
        r#"{"choices":[{"index":"1","delta":{"content":"other"}}]}"#,
        r#"{"error":""}"#,
        r#"{"error":{},"choices":[]}"#,
        r#"{"error":false}"#,
        r#"{"error":[]}"#,
        r#"{"error":null}"#,
        r#"{"error":0}"#,
        r#"{"error":{"code":0,"message":null,"type":""}}"#,
        r#"{"usage":[]}"#,
        r#"{"usage":7,"x_groq":{"id":"r"}}"#,
        r#"{"object":5,"id":{},"created":"now","model":null}"#,
        r#"{"message":""}"#,
        r#"{"success":true}"#,
        "null",
        "[]",
        "7",
        "true",
        r#""ping""#,
        "[1]",
        "[null]",
    ] {
        between(frame, &[]);
    }
    for frame in [
        r#"{"choices":[{"index":null,"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"index":"0","delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"index":{},"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"index":-1,"delta":{"content":"a"}}]}"#,
        r#"{"choices":{"index":0,"delta":{"content":"a"}}}"#,
        r#"{"choices":[null,{"delta":{"content":"a"}}]}"#,
        r#"{"choices":[{"delta":{"content":"a","tool_calls":false,"refusal":null}}],"object":5,"usage":[]}"#,
        r#"{"choices":[{"delta":{"content":"a"}}],"choices":null,"id":"x","id":"x"}"#,
        r#"[{"choices":[{"delta":{"content":"a"}}]}]"#,
        r#"{"choices":[{"delta":{"content":"a"}}],"error":"","message":"beside a choice"}"#,
        r#"{"choices":[{"delta":{"content":"a"},"finish_reason":""}]}"#,
    ] {
        between(frame, &[say("a")]);
    }
    for frame in [
        r#"{"choices":7}"#,
        r#"{"choices":"a"}"#,
        r#"{"choices":[7]}"#,
        r#"{"choices":[{"delta":7}]}"#,
        r#"{"choices":[{"delta":"a"}]}"#,
        r#"{"choices":[{"message":"a"}]}"#,
        r#"{"choices":false}"#,
        r#"{"choices":[{"delta":false}]}"#,
    ] {
        assert!(matches!(read(&[HEL, frame, STOP]).1, Some(ModelError::Broken(_))), "{frame}");
    }
}

#[test]
fn other_choices_are_no_part_of_the_answer() {
    let other = r#""delta":{"content":"other"},"finish_reason":"length""#;
    for choices in [
        format!(r#"{{"index":0,"delta":{{"content":"a"}}}},{{"index":1,{other}}}"#),
        format!(r#"{{"index":1,{other}}},{{"index":0,"delta":{{"content":"a"}}}}"#),
        format!(r#"{{"index":1,{other}}},{{"index":null,"delta":{{"content":"a"}}}}"#),
        format!(r#"{{"index":0,"delta":{{"content":"a"}}}},{{"index":null,{other}}}"#),
        format!(r#"{{"index":"x","delta":{{"content":"a"}}}},{{"index":"y",{other}}}"#),
        format!(r#"{{"delta":{{"content":"a"}}}},{{{other}}}"#),
        r#"{"x":1},{"index":"","delta":{"content":"a"}}"#.to_owned(),
        r#"{"index":0,"index":7,"delta":{"content":"a"}}"#.to_owned(),
        r#"{"index":{},"index":7,"delta":{"content":"a"}}"#.to_owned(),
    ] {
        between(&format!(r#"{{"choices":[{choices}]}}"#), &[say("a")]);
    }
}

#[test]
fn an_error_in_a_choice_is_one() {
    let with_error =
        |error: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{"content":""}},"error":{error}}}]}}"#);
    for none in ["null", "{}", "false", r#""""#] {
        between(&with_error(none), &[]);
    }
    let other = r#"{"choices":[{"index":1,"delta":{},"error":{"code":502}}]}"#;
    between(other, &[]);
    for (error, kind) in [
        (r#"{"code":502,"message":"words"}"#, FailureKind::Broken),
        (r#"{"code":429,"message":"words"}"#, FailureKind::RateLimited),
        (r#""words""#, FailureKind::Broken),
    ] {
        let (events, error) = read(&[HEL, &with_error(error), STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], kind));
    }
    let alone = r#"{"choices":[{"error":{"code":502}}]}"#;
    assert!(matches!(read(&[HEL, alone, STOP]).1, Some(ModelError::Broken(_))));
}

#[test]
fn a_complete_answer_is_taken_once() {
    let message = |content: &str| {
        format!(r#"{{"choices":[{{"index":0,"message":{{"role":"assistant","content":{content}}}}}]}}"#)
    };
    let hello = message(r#""Hello""#);
    for (frames, expected) in [
        (&[&*hello][..], vec![say("Hello")]),
        (&[HEL, LO, &hello], vec![say("Hel"), say("lo")]),
        (&[HEL, &hello], vec![say("Hel"), say("lo")]),
        (&[&hello, &hello], vec![say("Hello")]),
        (&[HEL, LO, &message(r#""Hello\n""#)], vec![say("Hel"), say("lo"), say("\n")]),
        (&[HEL, LO, &message("null")], vec![say("Hel"), say("lo")]),
        (
            &[&message(r#"[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hello"}]"#)],
            vec![think("hm"), say("Hello")],
        ),
    ] {
        let (events, error) = read(&[frames, &[STOP, "[DONE]"]].concat());
        assert!(error.is_none(), "{frames:?}: {error:?}");
        assert_eq!(events, [expected, vec![finished(FinishReason::Stop)]].concat(), "{frames:?}");
    }
    assert!(matches!(read(&[LO, &hello, STOP]).1, Some(ModelError::Broken(_))));
    // Perplexity sends the text so far beside each delta.
    let both = r#"{"choices":[{"delta":{"content":"lo"},"message":{"content":"Hello"}}]}"#;
    let empty = r#"{"choices":[{"delta":{"role":"assistant","content":""},"message":{"content":"Hello"}}]}"#;
    for frames in [&[HEL, both, STOP][..], &[HEL, both, empty, STOP], &[empty, STOP]] {
        assert_eq!(crate::support::text(&read(frames).0), "Hello", "{frames:?}");
    }
}

#[test]
fn an_answer_without_streaming_is_one_event() {
    let answer = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {
            "role": "assistant", "content": "Hello", "refusal": null, "reasoning_content": "hm",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "sum", "arguments": "{}"}}],
        }}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 7},
    });
    let usage = ReportedUsage { input: Some(9), output: Some(7), ..ReportedUsage::default() };
    let expected = [
        ModelEvent::Usage { usage, cost: None },
        think("hm"),
        say("Hello"),
        call("c1", "sum", "{}"),
        finished(FinishReason::Stop),
    ];
    assert_eq!(read(&[&answer.to_string()]).0, expected);
    let without_reason = r#"{"object":"chat.completion","choices":[{"message":{"content":"Hello"}}]}"#;
    assert_eq!(read(&[without_reason]).0, [say("Hello"), finished(FinishReason::Stop)]);
    let misnamed =
        r#"{"object":"chat.completion","choices":[{"delta":{"content":"Hel"},"finish_reason":""}]}"#;
    assert!(matches!(read(&[misnamed]).1, Some(ModelError::Truncated)));
}

#[test]
fn halves_of_a_surrogate_pair_are_joined() {
    let high = with_content(r#""a\ud83d""#);
    let low = with_content(r#""\ude00b""#);
    let reasoning = r#"{"choices":[{"delta":{"reasoning_content":"x\ud83d"}}]}"#;
    let reasoning_low = r#"{"choices":[{"delta":{"reasoning_content":"\ude00y"}}]}"#;
    for (frames, expected) in [
        (&[&*high, &low][..], vec![say("a"), say("😀b")]),
        (&[&high, &with_content(r#""""#), &low], vec![say("a"), say("😀b")]),
        (&[&high, reasoning, &low, reasoning_low], vec![say("a"), think("x"), say("😀b"), think("😀y")]),
        (&[&high, LO], vec![say("a"), say("\u{fffd}lo")]),
        (&[&low], vec![say("\u{fffd}b")]),
        (&[&high], vec![say("a"), say("\u{fffd}")]),
        (
            &[&with_content(r#"[{"type":"text","text":"\ud83d"},{"type":"text","text":"\ude00"}]"#)],
            vec![say("😀")],
        ),
        (&[&high, &high, &low], vec![say("a"), say("\u{fffd}a"), say("😀b")]),
    ] {
        for end in [STOP, "[DONE]"] {
            let (events, error) = read(&[frames, &[end]].concat());
            assert!(error.is_none(), "{frames:?}: {error:?}");
            assert_eq!(events, [expected.clone(), vec![finished(FinishReason::Stop)]].concat(), "{frames:?}");
        }
    }
    between(r#"{"id":"\ud83d","choices":[],"\ude00":1}"#, &[]);
}

#[test]
fn errors_have_many_forms() {
    for (frame, failure) in [
        (r#"{"detail":"Too Many Requests"}"#, FailureKind::RateLimited),
        (r#"{"detail":[{"loc":["body"],"msg":"bad"}],"status_code":422}"#, FailureKind::Rejected),
        (r#"{"message":"Unauthorized","request_id":"x"}"#, FailureKind::Unauthorized),
        (r#"{"error":"rate limit"}"#, FailureKind::RateLimited),
        (
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow"}}]"#,
            FailureKind::RateLimited,
        ),
        (r#"{"success":false,"errors":[{"message":"no"}],"status":401}"#, FailureKind::Unauthorized),
        (r#"{"choices":[],"x_groq":{"error":"over capacity, 429"}}"#, FailureKind::Broken),
        (r#"{"choices":[{"delta":{"content":"x"}}],"error":{"code":429}}"#, FailureKind::RateLimited),
        ("Rate limit exceeded", FailureKind::RateLimited),
        ("[ERROR] no", FailureKind::Broken),
    ] {
        let (events, error) = read(&[HEL, frame, LO, STOP, "[DONE]"]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], failure), "{frame}");
    }
}
