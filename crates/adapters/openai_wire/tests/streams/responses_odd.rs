//! Streams of the Responses API with odd fields or with text in odd places, as compatible servers send them.

use domain::{FailureKind, FinishReason, ReportedUsage};
use omnichat_openai_wire::{Redaction, ResponsesDecoder};
use ports::{ModelError, ModelEvent};

use crate::support::{call, finished, refuse, say, text, think};

const HEL: &str = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hel"}"#;
const LO: &str = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"lo"}"#;
const TEXT_DONE: &str =
    r#"{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hello"}"#;
const PART_DONE: &str = r#"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"output_text","text":"Hello"}}"#;
const ITEM_DONE: &str = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","status":"completed","content":[{"type":"output_text","text":"Hello"}]}}"#;
const COMPLETED: &str = r#"{"type":"response.completed","response":{"status":"completed"}}"#;
const COMPLETED_WITH_TEXT: &str = r#"{"type":"response.completed","response":{"status":"completed","output":[{"type":"reasoning","summary":[]},{"type":"message","content":[{"type":"output_text","text":"Hello"}]}]}}"#;
const COMPLETED_WITH_SUM: &str =
    r#"{"type":"response.completed","response":{"output":[],"output_text":"Hello"}}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ResponsesDecoder::new(Redaction::default()), frames)
}

/// These events, and then a normal end, give these deltas.
#[track_caller]
fn gives(frames: &[&str], expected: &[ModelEvent]) {
    let (events, error) = read(&[frames, &[COMPLETED]].concat());
    assert!(error.is_none(), "{frames:?}: {error:?}");
    assert_eq!(events, [expected, &[finished(FinishReason::Stop)]].concat(), "{frames:?}");
}

#[track_caller]
fn breaks(frames: &[&str]) {
    let error = read(&[frames, &[COMPLETED]].concat()).1;
    assert!(matches!(error, Some(ModelError::Broken(_))), "{frames:?}: {error:?}");
}

#[test]
fn text_counts_wherever_it_stands_and_once() {
    let places = [TEXT_DONE, PART_DONE, ITEM_DONE, COMPLETED_WITH_TEXT, COMPLETED_WITH_SUM];
    for deltas in [&[][..], &[HEL], &[HEL, LO]] {
        for chosen in 0..1_u32 << places.len() {
            let chosen: Vec<_> =
                (0..).zip(places).filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, place)| place).collect();
            if chosen.is_empty() && deltas.len() < 2 {
                continue;
            }
            let frames = [deltas, &chosen, &[COMPLETED]].concat();
            let (events, error) = read(&frames);
            assert!(error.is_none(), "{frames:?}: {error:?}");
            assert_eq!(text(&events), "Hello", "{frames:?}");
            assert_eq!(events.last(), Some(&finished(FinishReason::Stop)), "{frames:?}");
        }
    }
}

#[test]
fn refusals_and_thoughts_count_wherever_they_stand() {
    let refused = r#"{"type":"response.refusal.done","output_index":0,"content_index":0,"refusal":"No."}"#;
    let part = r#"{"type":"response.content_part.done","output_index":0,"content_index":0,"part":{"type":"refusal","refusal":"No."}}"#;
    let item = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"refusal","refusal":"No."}]}}"#;
    let response = r#"{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}}"#;
    for frames in [&[refused][..], &[part], &[item], &[response], &[refused, part, item, response]] {
        gives(frames, &[refuse("No.")]);
    }
    let thought = r#"{"type":"response.reasoning_text.done","output_index":0,"content_index":0,"text":"hm"}"#;
    let summary = r#"{"type":"response.reasoning_summary_part.done","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"hm"}}"#;
    let item = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"content":null}}"#;
    let response = r#"{"type":"response.completed","response":{"output":[{"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]}]}}"#;
    for frames in [&[thought][..], &[summary], &[item], &[response], &[thought, summary, item, response]] {
        gives(frames, &[think("hm")]);
    }
    // Other thoughts than those of the deltas do not matter.
    let delta = r#"{"type":"response.reasoning_text.delta","output_index":0,"delta":"well"}"#;
    gives(&[delta, thought, item, response], &[think("well")]);
}

#[test]
fn a_complete_text_that_differs_from_its_deltas_is_an_error() {
    for place in [TEXT_DONE, PART_DONE, ITEM_DONE, COMPLETED_WITH_TEXT, COMPLETED_WITH_SUM] {
        breaks(&[LO, place]);
        breaks(&[HEL, LO, LO, place]);
        breaks(&[HEL, LO, r#"{"type":"response.output_text.delta","output_index":0,"delta":"!"}"#, place]);
    }
    // White space at the end does not matter, and an empty text says nothing.
    let space = r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"\n"}"#;
    for place in [TEXT_DONE, PART_DONE, ITEM_DONE, COMPLETED_WITH_TEXT, COMPLETED_WITH_SUM] {
        gives(&[HEL, LO, space, place], &[say("Hel"), say("lo"), say("\n")]);
        let empty = place.replace("Hello", "");
        gives(&[HEL, LO, &empty], &[say("Hel"), say("lo")]);
    }
}

#[test]
fn several_parts_and_items_are_kept_apart() {
    let part = |item: u8, part: u8, text: &str| {
        format!(
            r#"{{"type":"response.output_text.done","output_index":{item},"content_index":{part},"text":{text:?}}}"#
        )
    };
    let item = |item: u8, texts: [&str; 2]| {
        let [a, b] = texts.map(|text| format!(r#"{{"type":"output_text","text":{text:?}}}"#));
        format!(
            r#"{{"type":"response.output_item.done","output_index":{item},"item":{{"type":"message","id":"m{item}","content":[{a},{b}]}}}}"#
        )
    };
    let ok = part(0, 0, "OK");
    gives(
        &[&ok, &part(0, 1, "OK"), &part(1, 0, "OK"), &part(1, 0, "OK")],
        &[say("OK"), say("OK"), say("OK")],
    );
    gives(&[&ok, &item(0, ["OK", "OK"]), &item(1, ["OK", "OK"])], &[say("OK"), say("OK"), say("OKOK")]);
    // The response lists the last item alone.
    let last = r#"{"type":"response.completed","response":{"output":[{"type":"message","content":"two"}]}}"#;
    gives(&[&part(0, 0, "one"), &part(1, 0, "two"), last], &[say("one"), say("two")]);
    // Deltas of two parts, of which only the item tells the end.
    let delta = |part: u8, text: &str| {
        format!(
            r#"{{"type":"response.output_text.delta","output_index":0,"content_index":{part},"delta":{text:?}}}"#
        )
    };
    gives(&[&delta(0, "a"), &delta(1, "b"), &part(0, 1, "b"), &item(0, ["a", "b"])], &[say("a"), say("b")]);
}

#[test]
fn ids_and_indices_may_be_missing_or_change() {
    let frames = |places: [&str; 6]| -> Vec<String> {
        let [hel, lo, text, part, item, id] = places;
        vec![
            format!(r#"{{"type":"response.output_text.delta",{hel}"delta":"Hel"}}"#),
            format!(r#"{{"type":"response.output_text.delta",{lo}"delta":"lo"}}"#),
            format!(r#"{{"type":"response.output_text.done",{text}"text":"Hello"}}"#),
            format!(
                r#"{{"type":"response.content_part.done",{part}"part":{{"type":"output_text","text":"Hello"}}}}"#
            ),
            format!(
                r#"{{"type":"response.output_item.done",{item}"item":{{"type":"message",{id}"content":[{{"text":"Hello"}}]}}}}"#
            ),
            COMPLETED_WITH_TEXT.to_owned(),
        ]
    };
    for places in [
        [""; 6],
        [
            r#""item_id":"a","#,
            r#""item_id":"b","#,
            r#""item_id":"c","#,
            r#""item_id":"d","#,
            "",
            r#""id":"e","#,
        ],
        [
            r#""item_id":"a","output_index":1,"#,
            "",
            r#""output_index":"1","#,
            r#""item_id":"a","#,
            "",
            r#""id":"a","#,
        ],
        [
            "",
            r#""output_index":2,"#,
            r#""output_index":null,"#,
            r#""content_index":{},"#,
            r#""output_index":2,"#,
            "",
        ],
        [
            r#""item_id":"a","output_index":0,"#,
            r#""item_id":"a","output_index":1,"#,
            r#""item_id":"a","#,
            "",
            "",
            "",
        ],
        [
            r#""content_index":-1,"#,
            r#""content_index":0,"#,
            r#""content_index":1,"#,
            r#""content_index":0,"#,
            "",
            "",
        ],
    ] {
        let frames = frames(places);
        let frames: Vec<_> = frames.iter().map(String::as_str).collect();
        gives(&frames, &[say("Hel"), say("lo")]);
    }
}

#[test]
fn odd_fields_cost_nothing() {
    for frame in [
        "null",
        "[]",
        "7",
        r#""ping""#,
        r#"{"type":7}"#,
        r#"{"type":null,"error":null}"#,
        r#"{"type":"response.output_text.delta"}"#,
        r#"{"type":"response.output_text.delta","delta":null}"#,
        r#"{"type":"response.output_text.delta","delta":[]}"#,
        r#"{"type":"response.output_item.done"}"#,
        r#"{"type":"response.output_item.done","item":null}"#,
        r#"{"type":"response.output_item.done","item":7}"#,
        r#"{"type":"response.output_item.done","item":{}}"#,
        r#"{"type":"response.output_item.done","item":{"id":"x"}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"message","content":null}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"new","content":7}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"message","content":7}}"#,
        r#"{"type":"response.output_text.done","text":7}"#,
        r#"{"type":"response.content_part.done","part":null}"#,
        r#"{"type":"response.created","response":null}"#,
        r#"{"type":"response.in_progress","response":{"id":7,"error":{},"usage":[]}}"#,
        r#"{"type":"keepalive","sequence_number":3}"#,
        r#"{"type":"response.function_call_arguments.delta","delta":"{}"}"#,
        r#"{"type":"response.function_call_arguments.delta","delta":{}}"#,
    ] {
        gives(&[HEL, frame, LO], &[say("Hel"), say("lo")]);
    }
    for frame in [
        r#"{"type":"response.output_text.delta","delta":{"text":"lo"}}"#,
        r#"{"type":"response.output_text.delta","delta":[{"type":"output_text","text":"lo"}]}"#,
        r#"{"type":"response.output_text.delta","delta":"lo","output_index":"0","sequence_number":{}}"#,
        r#"{"type":"response.output_text.delta","delta":"lo","delta":null,"type":"response.output_text.delta"}"#,
        r#"[{"type":"response.output_text.delta","delta":"lo"}]"#,
        r#"{"type":"response.output_text.delta","delta":"lo","error":{}}"#,
        r#"{"type":"response.output_text.done","text":"Hello"}"#,
        r#"{"type":"response.output_item.done","item":{"content":[{"text":"Hello"}]}}"#,
        r#"{"type":"response.output_item.done","item":{"type":"message","content":"Hello"}}"#,
    ] {
        gives(&[HEL, frame], &[say("Hel"), say("lo")]);
    }
    for frame in [
        r#"{"type":"response.output_text.delta","delta":7}"#,
        r#"{"type":"response.output_text.delta","delta":"a","delta":"b"}"#,
        r#"{"delta":"lo"}"#,
    ] {
        breaks(&[HEL, frame]);
    }
    breaks(&[r#"{"type":"response.output_text.done","text":7}"#]);
    breaks(&[r#"{"type":"response.output_item.done","item":{"type":"message","content":7}}"#]);
}

#[test]
fn the_end_has_odd_forms() {
    for (end, reason) in [
        (r#"{"type":"response.completed"}"#, FinishReason::Stop),
        (r#"{"type":"response.completed","response":null}"#, FinishReason::Stop),
        (
            r#"{"type":"response.completed","response":{"id":7,"error":{},"status":"in_progress","usage":7}}"#,
            FinishReason::Stop,
        ),
        (
            r#"{"type":"response.completed","response":{"error":false,"incomplete_details":{}}}"#,
            FinishReason::Stop,
        ),
        (r#"{"type":"response.done","response":{"status":"completed"}}"#, FinishReason::Stop),
        (r#"{"type":null,"response":{"status":"completed"}}"#, FinishReason::Stop),
        (r#"{"object":"response","status":"completed","output":[]}"#, FinishReason::Stop),
        (
            r#"{"type":"response.completed","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
            FinishReason::Length,
        ),
        (
            r#"{"type":"response.done","response":{"status":"incomplete"}}"#,
            FinishReason::Other("incomplete".into()),
        ),
        (
            r#"{"type":"response.incomplete","response":{"incomplete_details":"MAX_TOKENS"}}"#,
            FinishReason::Length,
        ),
        (r#"{"type":"response.incomplete","response":null}"#, FinishReason::Other("incomplete".into())),
    ] {
        assert_eq!(read(&[HEL, end]).0, [say("Hel"), finished(reason)], "{end}");
    }
    for end in [
        r#"{"type":"response.completed","response":{"status":"failed"}}"#,
        r#"{"type":"response.completed","response":{"status":"cancelled"}}"#,
        r#"{"type":"response.completed","response":{"status":"completed","error":"no"}}"#,
        r#"{"type":"response.done","response":{"status":"failed","error":{"message":"no"}}}"#,
        r#"{"type":"response.cancelled","response":{"status":"cancelled"}}"#,
        r#"{"type":"response.cancelled"}"#,
        r#"{"type":"response.failed","response":null}"#,
        r#"{"type":"response.error","error":{}}"#,
        r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"error"}}}"#,
        r#"{"object":"response","status":"failed","error":null}"#,
    ] {
        let (events, error) = read(&[HEL, end, COMPLETED]);
        assert_eq!((events, error.unwrap().failure()), (vec![say("Hel")], FailureKind::Broken), "{end}");
    }
    assert!(matches!(
        read(&[HEL, r#"{"response":{"status":"in_progress"}}"#]).1,
        Some(ModelError::Truncated)
    ));
}

#[test]
fn done_is_an_end_after_complete_items() {
    for frames in
        [&[HEL, LO, ITEM_DONE, "[DONE]"][..], &[HEL, LO, TEXT_DONE, "[DONE]"], &[ITEM_DONE, "[DONE]"]]
    {
        let (events, error) = read(frames);
        assert!(error.is_none(), "{frames:?}");
        assert_eq!(
            (&*text(&events), events.last()),
            ("Hello", Some(&finished(FinishReason::Stop))),
            "{frames:?}"
        );
    }
    let cut = r#"{"type":"response.output_item.done","item":{"type":"message","status":"incomplete","content":[]}}"#;
    let added = r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"message"}}"#;
    for frames in [
        &["[DONE]"][..],
        &[HEL, "[DONE]"],
        &[HEL, cut, "[DONE]"],
        &[ITEM_DONE, added, "[DONE]"],
        &[ITEM_DONE],
    ] {
        assert!(matches!(read(frames).1, Some(ModelError::Truncated)), "{frames:?}");
    }
}

#[test]
fn function_calls_have_odd_forms() {
    let done = |fields: &str| {
        format!(
            r#"{{"type":"response.output_item.done","item":{{"type":"function_call","name":"f",{fields}}}}}"#
        )
    };
    let listed = |fields: &str| {
        format!(
            r#"{{"type":"response.completed","response":{{"output":[{{"type":"function_call","name":"f",{fields}}}]}}}}"#
        )
    };
    for (fields, expected) in [
        (r#""call_id":"c","arguments":"{}""#, call("c", "f", "{}")),
        (r#""call_id":null,"id":"i","arguments":"{}""#, call("i", "f", "{}")),
        (r#""id":7,"arguments":{"a":1}"#, call("7", "f", r#"{"a":1}"#)),
        (r#""call_id":"c","arguments":null"#, call("c", "f", "{}")),
        (r#""call_id":"c","arguments":"","status":7"#, call("c", "f", "{}")),
        (r#""call_id":"c","arguments":"{\"a\":\"\ud83d\ude00\"}""#, call("c", "f", r#"{"a":"😀"}"#)),
    ] {
        let (done, listed) = (done(fields), listed(fields));
        for frames in [&[&*done, COMPLETED][..], &[&listed], &[&done, &done, &listed]] {
            assert_eq!(read(frames).0, [expected.clone(), finished(FinishReason::ToolCalls)], "{frames:?}");
        }
    }
    // The ids may be new in the complete response.
    let frames = [done(r#""call_id":"c","arguments":"{}""#), listed(r#""call_id":"d","arguments":"{}""#)];
    assert_eq!(read(&[&frames[0], &frames[1]]).0, [call("c", "f", "{}"), finished(FinishReason::ToolCalls)]);
    breaks(&[&done(r#""call_id":"c","arguments":"{""#)]);
}

#[test]
fn halves_of_a_surrogate_pair_are_joined() {
    let delta =
        |text: &str| format!(r#"{{"type":"response.output_text.delta","output_index":0,"delta":"{text}"}}"#);
    let (high, low) = (delta(r"a\ud83d"), delta(r"\ude00b"));
    gives(&[&high, &low], &[say("a"), say("😀b")]);
    gives(&[&high, HEL], &[say("a"), say("\u{fffd}Hel")]);
    gives(&[&low], &[say("\u{fffd}b")]);
    gives(&[&high], &[say("a"), say("\u{fffd}")]);
    let thought = r#"{"type":"response.reasoning_text.delta","output_index":1,"delta":"x"}"#;
    gives(&[&high, thought, &low], &[say("a"), think("x"), say("😀b")]);
    let done = r#"{"type":"response.output_text.done","output_index":0,"text":"a😀b"}"#;
    gives(&[&high, done], &[say("a"), say("😀b")]);
    gives(&[&high, &low, done], &[say("a"), say("😀b")]);
}

#[test]
fn usage_comes_before_the_error_after_it() {
    let reported = ReportedUsage { input: Some(9), output: Some(7), ..ReportedUsage::default() };
    let usage = r#""usage":{"input_tokens":9,"output_tokens":7}"#;
    for end in [
        format!(
            r#"{{"type":"response.failed","response":{{"status":"failed","error":{{"code":"server_error"}},{usage}}}}}"#
        ),
        format!(r#"{{"type":"response.failed","response":{{{usage}}}}}"#),
        format!(r#"{{"type":"response.cancelled","response":{{{usage}}}}}"#),
        format!(r#"{{"type":"error","error":{{"message":"no"}},{usage}}}"#),
        format!(r#"{{"type":"response.completed","response":{{"status":"failed",{usage}}}}}"#),
    ] {
        let (events, error) = read(&[HEL, &end]);
        assert!(error.is_some(), "{end}");
        assert_eq!(events, [say("Hel"), ModelEvent::Usage { usage: reported, cost: None }], "{end}");
    }
    let incomplete = format!(r#"{{"type":"response.incomplete","response":{{{usage}}}}}"#);
    assert_eq!(read(&[HEL, &incomplete]).0.get(1), Some(&ModelEvent::Usage { usage: reported, cost: None }));
}

#[test]
fn a_response_without_streaming_is_one_event() {
    let response =
        COMPLETED_WITH_TEXT.replace(r#""type":"response.completed","response":{"#, r#""object":"response","#);
    let response = response.strip_suffix('}').unwrap();
    assert_eq!(read(&[response]).0, [say("Hello"), finished(FinishReason::Stop)]);
    let output = r#""output":[{"type":"message","content":[{"type":"output_text","text":"Hello"}]}]"#;
    for status in ["", r#""status":null,"#, r#""status":"completed","#] {
        let response = format!(r#"{{"object":"response",{status}{output}}}"#);
        assert_eq!(read(&[&response]).0, [say("Hello"), finished(FinishReason::Stop)], "{status}");
    }
    let unfinished = format!(r#"{{"object":"response","status":"in_progress",{output}}}"#);
    assert!(matches!(read(&[&unfinished]).1, Some(ModelError::Truncated)));
}

#[test]
fn text_is_not_taken_for_a_part_of_the_thoughts_before_it() {
    let thought = r#"{"type":"response.reasoning_text.delta","item_id":"rs","output_index":0,"delta":"hm"}"#;
    let text = r#"{"type":"response.output_text.done","item_id":"m","output_index":false,"text":"Hello"}"#;
    let part = r#"{"type":"response.content_part.done","item_id":"m","output_index":1,"part":{"type":"output_text","text":"Hello"}}"#;
    gives(&[thought, text, part], &[think("hm"), say("Hello")]);
    // A text that was passed on twice is not the one of the complete response.
    let other = r#"{"type":"response.output_text.done","output_index":7,"text":"Hello"}"#;
    breaks(&[TEXT_DONE, other, COMPLETED_WITH_TEXT]);
}

#[test]
fn a_response_may_have_very_many_items() {
    let count = 3_000;
    let delta = |index: usize| {
        format!(
            r#"{{"type":"response.output_text.delta","item_id":"m{index}","output_index":{index},"delta":"a"}}"#
        )
    };
    let mut frames: Vec<String> = (0..count).map(delta).collect();
    let completed = |text: String| {
        format!(
            r#"{{"type":"response.completed","response":{{"output":[{{"type":"message","content":[{{"type":"output_text","text":"{text}"}}]}}]}}}}"#
        )
    };
    frames.push(completed("a".repeat(count)));
    let all: Vec<&str> = frames.iter().map(String::as_str).collect();
    let (events, error) = read(&all);
    assert!(error.is_none() && text(&events) == "a".repeat(count), "{error:?}");
    frames.pop();
    frames.push(completed("b".repeat(count)));
    breaks(&frames.iter().map(String::as_str).collect::<Vec<_>>());
}
