use domain::{
    ConversationId, FailureKind, FinishReason, JsonText, MessageId, MessageNumber, NanoDollars, ReplyRef,
    Seq, Timestamp, TurnId, Usage,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

fn ending(state: EndState) -> TurnEvent {
    let at = Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
    let reply = ReplyRef {
        id: MessageId(Uuid::from_u128(3)),
        number: Some(MessageNumber(2)),
        seq: Seq(2),
        created_at: at,
    };
    TurnEvent::Ended(Box::new(Ending {
        state,
        reply: Some(reply),
        usage: Usage { input: 10, output: 15, ..Usage::default() },
        cost: NanoDollars(175_000),
        response_time_ms: 5,
        at,
    }))
}

fn written(number: usize, event: &TurnEvent) -> String {
    let mut out = BytesMut::new();
    NumberedEvents.encode(number, event, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn shown(number: usize, event: &TurnEvent) -> Value {
    let text = written(number, event);
    let json = text.strip_prefix("data: ").and_then(|rest| rest.strip_suffix("\n\n")).unwrap();
    serde_json::from_str(json).unwrap()
}

fn end_with(mut body: Value) -> Value {
    body["message_id"] = json!("msg_00000000000000000000000000000003");
    body["usage"] = json!({"input_tokens": 10, "output_tokens": 15, "total_tokens": 25});
    body["cost"] = json!(0.000_175);
    body["ended_at"] = json!("2023-11-14T22:13:20.000000Z");
    body
}

#[test]
fn the_first_event_names_turn_and_conversation() {
    let started = TurnEvent::Started {
        turn: TurnId(Uuid::from_u128(1)),
        conversation: ConversationId(Uuid::from_u128(2)),
    };
    assert_eq!(
        shown(0, &started),
        json!({"event": 0, "type": "started", "turn_id": "00000000-0000-0000-0000-000000000001",
            "conversation_id": "conv_00000000000000000000000000000002"})
    );
}

#[test]
fn deltas_keep_their_kind_and_their_text() {
    let delta = |delta| shown(7, &TurnEvent::Delta(delta))["delta"].clone();
    let hostile = "a\n\ndata: [DONE]\r\n";
    assert_eq!(delta(Delta::Text(hostile.into())), json!({"type": "text", "text": hostile}));
    assert_eq!(delta(Delta::Reasoning("hm".into())), json!({"type": "reasoning", "text": "hm"}));
    assert_eq!(delta(Delta::Refusal("no".into())), json!({"type": "refusal", "text": "no"}));
    let call = Delta::ToolCall { call: "c".into(), name: "n".into(), arguments: JsonText::empty_object() };
    assert_eq!(delta(call), json!({"type": "tool_call", "call_id": "c", "name": "n", "arguments": "{}"}));
    assert_eq!(written(1, &TurnEvent::Delta(Delta::Text(hostile.into()))).matches('\n').count(), 2);
}

#[test]
fn every_ending_has_a_type_and_the_cost() {
    let completed = EndState::Completed(FinishReason::Length);
    assert_eq!(
        shown(4, &ending(completed)),
        end_with(json!({"event": 4, "type": "completed", "finish_reason": "length"}))
    );
    assert_eq!(shown(4, &ending(EndState::Stopped)), end_with(json!({"event": 4, "type": "stopped"})));
    let failed = EndState::Failed(FailureKind::TimedOut.into());
    assert_eq!(
        shown(4, &ending(failed)),
        end_with(json!({"event": 4, "type": "failed", "error": {
            "message": "the model provider did not answer in time",
            "type": "upstream_error", "code": "upstream_timeout"}}))
    );
    assert_eq!(shown(4, &ending(EndState::Interrupted))["error"]["code"], "turn_interrupted");
}

#[test]
fn the_stream_of_a_turn_without_a_known_end_is_cut_off() {
    let mut out = BytesMut::new();
    assert_eq!(NumberedEvents.end(None, &mut out), BodyEnd::CutOff);
    assert!(out.is_empty());
}
