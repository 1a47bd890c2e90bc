//! Odd forms of tool calls in streams of Chat Completions.

use domain::FinishReason;
use omnichat_openai_wire::{ChatDecoder, Redaction};
use ports::{ModelError, ModelEvent};

use crate::support::{call, finished};

const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

fn read(frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    crate::support::read(ChatDecoder::new(Redaction::default()), frames)
}

#[test]
fn tool_calls_have_odd_forms() {
    let one = |fragments: &str| format!(r#"{{"choices":[{{"delta":{{"tool_calls":{fragments}}}}}]}}"#);
    for (fragments, expected) in [
        (
            vec![r#"[{"index":0,"id":7,"function":{"name":"f","arguments":{"a":1}}}]"#],
            vec![call("7", "f", r#"{"a":1}"#)],
        ),
        (
            vec![r#"{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}"#],
            vec![call("c", "f", "{}")],
        ),
        (
            vec![r#"[{"index":"0","id":"c","function":{"name":"f","arguments":null}}]"#],
            vec![call("c", "f", "{}")],
        ),
        (
            vec![
                r#"[{"index":null,"id":"c","function":{"name":"f","arguments":"{\"a\""}}]"#,
                r#"[{"index":null,"function":{"arguments":":1}"}}]"#,
            ],
            vec![call("c", "f", r#"{"a":1}"#)],
        ),
        (
            vec![
                r#"[{"id":"c","function":{"name":"f","arguments":"{"}}]"#,
                r#"[{"id":"c","function":{"arguments":"}"}}]"#,
            ],
            vec![call("c", "f", "{}")],
        ),
        (
            vec![
                r#"[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]"#,
                r#"[{"index":0,"id":"d","function":{"name":"g","arguments":"{}"}}]"#,
            ],
            vec![call("c", "f", "{}"), call("d", "g", "{}")],
        ),
        (
            vec![
                r#"[{"index":0,"id":"c","function":null}]"#,
                r#"[{"index":0,"function":{"name":"f"}},null]"#,
            ],
            vec![call("c", "f", "{}")],
        ),
        (
            vec![
                r#"[{"index":0,"id":"c","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]"#,
                r#"[{"index":0,"function":{"arguments":"\ude00\"}"}}]"#,
            ],
            vec![call("c", "f", r#"{"a":"😀"}"#)],
        ),
    ] {
        let frames: Vec<_> = fragments.iter().map(|fragment| one(fragment)).collect();
        let mut frames: Vec<_> = frames.iter().map(String::as_str).collect();
        frames.push("[DONE]");
        let (events, error) = read(&frames);
        assert!(error.is_none(), "{fragments:?}: {error:?}");
        assert_eq!(events, [expected, vec![finished(FinishReason::ToolCalls)]].concat(), "{fragments:?}");
    }
    let older = r#"{"choices":[{"delta":{"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}]}"#;
    assert_eq!(read(&[older]).0, [call("", "f", "{}"), finished(FinishReason::ToolCalls)]);
    for fragments in ["7", r#""f""#, "[7]", r#"[{"index":0,"id":"c","function":{"arguments":"{}"}}]"#] {
        assert!(matches!(read(&[&one(fragments), STOP]).1, Some(ModelError::Broken(_))), "{fragments}");
    }
}
