//! The usage and the cost in streams of Chat Completions.

use domain::{FinishReason, NanoDollars, ReportedUsage};
use omnichat_openai_wire::{ChatDecoder, Redaction};
use ports::{ModelError, ModelEvent};

use crate::support::{finished, say};

const HEL: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ChatDecoder::new(Redaction::default()), frames)
}

#[test]
fn usage_may_stand_in_a_choice_or_in_x_groq() {
    let expected = ReportedUsage { input: Some(9), output: Some(7), ..ReportedUsage::default() };
    for frame in [
        r#"{"choices":[{"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":9,"completion_tokens":7}}]}"#,
        r#"{"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":9,"completion_tokens":7}}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":"9","completion_tokens":7.0}}"#,
        r#"{"usage":{"prompt_tokens":9,"completion_tokens":7,"prompt_tokens":9}}"#,
    ] {
        let usage = ModelEvent::Usage { usage: expected, cost: None };
        assert_eq!(
            read(&[HEL, frame, "[DONE]"]).0,
            [say("Hel"), usage, finished(FinishReason::Stop)],
            "{frame}"
        );
    }
    let zeros = r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":null,"cost":0.5}}"#;
    let some = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#;
    let last = read(&[HEL, some, zeros, STOP, "[DONE]"]).0.into_iter().rev().nth(1).unwrap();
    assert_eq!(last, ModelEvent::Usage { usage: expected, cost: Some(NanoDollars(500_000_000)) });
}

#[test]
fn usage_comes_before_the_error_after_it() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#;
    let error = r#"{"error":{"message":"no"}}"#;
    let both = r#"{"error":{"message":"no"},"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#;
    let aborted = r#"{"choices":[{"delta":{},"finish_reason":"abort"}],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#;
    let reported = ReportedUsage { input: Some(9), output: Some(7), ..ReportedUsage::default() };
    for frames in [&[HEL, usage, error][..], &[HEL, both], &[HEL, aborted, "[DONE]"], &[HEL, usage]] {
        let (events, error) = read(frames);
        assert!(error.is_some(), "{frames:?}");
        assert_eq!(events, [say("Hel"), ModelEvent::Usage { usage: reported, cost: None }], "{frames:?}");
    }
}

#[test]
fn a_call_with_a_key_of_our_own_costs_the_fee_and_the_price_behind_it() {
    let costs = |fields: &str| {
        let frame = format!(
            r#"{{"id":"gen-1","provider":"X","choices":[],"usage":{{"prompt_tokens":9,"completion_tokens":7,{fields}}}}}"#
        );
        let events = read(&[HEL, STOP, &frame, "[DONE]"]).0;
        events.iter().find_map(|event| if let ModelEvent::Usage { cost, .. } = event { *cost } else { None })
    };
    let upstream = r#""cost_details":{"upstream_inference_cost":0.036}"#;
    for (fields, nanos) in [
        (format!(r#""cost":0,"is_byok":true,{upstream}"#), 36_000_000),
        (format!(r#""cost":0.0018,"is_byok":true,{upstream}"#), 37_800_000),
        (format!(r#""cost":"0.0018","is_byok":true,{upstream}"#), 37_800_000),
        (format!(r#""cost":0.036,"is_byok":false,{upstream}"#), 36_000_000),
        (format!(r#""cost":0.036,{upstream}"#), 36_000_000),
    ] {
        assert_eq!(costs(&fields), Some(NanoDollars(nanos)), "{fields}");
    }
}

#[test]
fn reasoning_beside_the_output_is_counted_as_output() {
    let frame = r#"{"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":310,"completion_tokens_details":{"reasoning_tokens":200}}}"#;
    let usage = ReportedUsage { input: Some(100), cached_input: 0, output: Some(210), reasoning: 200 };
    assert_eq!(read(&[HEL, STOP, frame]).0.get(1), Some(&ModelEvent::Usage { usage, cost: None }));
}
