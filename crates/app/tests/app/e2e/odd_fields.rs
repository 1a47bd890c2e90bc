//! An odd field that is not needed costs nothing: the reply is read as if it were not there.

use serde_json::{Value, json};
use testkit::fake_llm::Reply;

use crate::support::raw_replies::{
    Becomes, Case, Wire, app_on, check, chunk, completed, data, done, events, finished, output, response,
    said,
};
use crate::support::{Store, on_sqlite_alone};

on_sqlite_alone!(odd_chunks_of_chat_completions_are_read, odd_events_of_responses_are_read);

const COMPLETED: Becomes = Becomes::Completed("one two");
/// U+1F600 in two pieces, as JSON escapes.
const SMILE: [&str; 2] = ["\\ud83d", "\\ude00"];

async fn odd_chunks_of_chat_completions_are_read(store: Store) {
    let app = app_on(store, Wire::Chat, &[]).await;
    let with = |key: &str, value: &Value| {
        let mut event = said("two");
        event[key] = value.clone();
        event
    };
    let choice = |choice: Value| chunk(&choice);
    let tool = |call: Value| choice(json!({"index": 0, "delta": {"tool_calls": [call]}}));
    // Each is an event that stands between the words, or has the second one.
    let mut odd = vec![
        ("a null event", json!(null), true),
        ("a number as an event", json!(5), true),
        ("a list as an event", json!([]), true),
        ("no choices", json!({"choices": []}), true),
        ("null as choices", json!({"choices": null}), true),
        ("an object as choices", json!({"choices": {}}), true),
        ("null as the choice", json!({"choices": [null]}), true),
        ("null as the delta", choice(json!({"index": 0, "delta": null})), true),
        ("a list as the delta", choice(json!({"index": 0, "delta": []})), true),
        (
            "null as content",
            choice(json!({"index": 0, "delta": {"role": "assistant", "content": null}})),
            true,
        ),
        ("null as tool calls", choice(json!({"index": 0, "delta": {"tool_calls": null}})), true),
        ("null as a tool call", tool(Value::Null), true),
        ("null as index", choice(json!({"index": null, "delta": {"content": "two"}})), false),
        ("a text as index", choice(json!({"index": "0", "delta": {"content": "two"}})), false),
        ("no index", choice(json!({"delta": {"content": "two"}})), false),
        ("a number as role", choice(json!({"index": 0, "delta": {"role": 1, "content": "two"}})), false),
        (
            "a second choice that is null",
            json!({"choices": [{"index": 0, "delta": {"content": "two"}}, null]}),
            false,
        ),
        (
            "typed parts as content",
            choice(json!({"index": 0, "delta": {"content": [
                {"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "two"}, null,
            ]}})),
            false,
        ),
        (
            "a tool call with an object as arguments and a number as id",
            tool(json!({"index": 0, "id": 7, "function": {"name": "look", "arguments": {"at": "it"}}})),
            true,
        ),
    ];
    for value in [json!(""), json!({}), json!(false), json!(null), json!([])] {
        odd.push(("an error that is none", with("error", &value), false));
    }
    for key in ["id", "object", "created", "model", "system_fingerprint", "usage", "provider"] {
        for value in [json!(5), json!([1]), json!({"a": {}}), json!("x"), json!(null)] {
            odd.push(("a field of another type", with(key, &value), false));
        }
    }
    let mut cases: Vec<Case> = odd
        .into_iter()
        .map(|(name, event, stands_between)| {
            let rest = if stands_between { vec![said("two")] } else { Vec::new() };
            let all = [vec![said("one "), event.clone()], rest, vec![finished("stop"), done()]].concat();
            Case::new(format!("{name}: {event}"), events(&all), COMPLETED)
        })
        .collect();
    let twice = r#"{"choices":[{"index":0,"index":0,"delta":{"content":"two"}}],"id":"a","id":"b"}"#;
    cases.push(Case::new("keys twice", events(&[said("one "), json!(twice), finished("stop")]), COMPLETED));
    let thinking = choice(json!({"index": 0, "delta": {"content": [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "one "},
    ]}}));
    let thought = [thinking, said("two"), finished("stop"), done()];
    cases.push(Case::new("thoughts as a part of the content", events(&thought), COMPLETED));
    let escaped = |text: &str| format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#);
    cases.extend(halves(&escaped, &[finished("stop"), done()]));
    check(&app, cases).await;
}

async fn odd_events_of_responses_are_read(store: Store) {
    let app = app_on(store, Wire::Responses, &[]).await;
    let item = |kind: &str, item: Value| json!({"type": kind, "output_index": 0, "item": item});
    let call = json!({"type": "function_call", "id": "fc_1", "name": "look", "arguments": "{}"});
    let odd = [
        json!(null),
        json!(5),
        json!([]),
        json!({}),
        json!({"type": null}),
        json!({"type": 7}),
        json!({"type": "response.of_a_kind_to_come", "delta": "three"}),
        json!({"type": "response.created", "response": null}),
        json!({"type": "response.in_progress", "response": {"id": 5, "output": {}, "usage": [], "error": {}}}),
        item("response.output_item.added", Value::Null),
        item("response.output_item.added", json!({"id": "msg_1"})),
        item("response.output_item.added", json!("message")),
        item("response.output_item.done", Value::Null),
        item("response.output_item.done", json!({"content": null})),
        item("response.output_item.done", json!({"type": "message", "content": [null]})),
        json!({"type": "response.output_text.delta", "delta": null}),
        json!({"type": "response.output_text.delta"}),
    ];
    let mut cases: Vec<Case> = odd
        .into_iter()
        .map(|event| {
            let all = [output("one "), event.clone(), output("two"), completed()];
            Case::new(event.to_string(), events(&all), COMPLETED)
        })
        .collect();
    let called = [item("response.output_item.added", call.clone()), item("response.output_item.done", call)];
    let called = [&called[..], &[output("one two"), completed()]].concat();
    cases.push(Case::new("a call without `call_id`", events(&called), COMPLETED));
    let bare = |text: &str| json!({"type": "response.output_text.delta", "delta": text});
    cases.push(Case::new("no places", events(&[bare("one "), bare("two"), completed()]), COMPLETED));
    for output_items in [json!(null), json!({}), json!([null]), json!([{"type": "message", "content": null}])]
    {
        let end = response("completed", &output_items, &json!("none"));
        let name = format!("an odd output: {output_items}");
        cases.push(Case::new(name, events(&[output("one "), output("two"), end]), COMPLETED));
    }
    let escaped = |text: &str| format!(r#"{{"type":"response.output_text.delta","delta":"{text}"}}"#);
    cases.extend(halves(&escaped, &[completed()]));
    check(&app, cases).await;
}

/// Replies with the halves of one character in two events, or one half alone. `escaped` makes an event with a text that
/// is written in JSON's escapes.
fn halves(escaped: &dyn Fn(&str) -> String, end: &[Value]) -> Vec<Case> {
    let reply = |texts: &[&str]| {
        let events = texts.iter().map(|text| json!(escaped(text)));
        Reply::raw(&events.chain(end.iter().cloned()).map(|event| data(&event)).collect::<String>())
    };
    let [high, low] = SMILE;
    vec![
        Case::new("two halves", reply(&["one ", high, low]), Becomes::Completed("one \u{1f600}")),
        Case::new(
            "two halves with words around",
            reply(&[&format!("one {high}"), &format!("{low} two")]),
            Becomes::Completed("one \u{1f600} two"),
        ),
        Case::new(
            "a first half alone",
            reply(&["one ", high, " two"]),
            Becomes::Completed("one \u{fffd} two"),
        ),
        Case::new(
            "a second half alone",
            reply(&["one ", low, " two"]),
            Becomes::Completed("one \u{fffd} two"),
        ),
        Case::new("a first half at the end", reply(&["one ", high]), Becomes::Completed("one \u{fffd}")),
    ]
}
