//! From events to bytes.

use bytes::{BufMut, BytesMut};
use domain::{Delta, TurnEvent};
use serde::Serialize;
use services::Outcome;

/// Writes a turn's events in the bytes of one dialect. Pure: it only appends to a buffer.
pub(crate) trait Encoder: 'static {
    /// Appends an event, whole or not at all.
    fn encode(&mut self, number: usize, event: &TurnEvent, out: &mut BytesMut);

    /// What keeps a silent stream open; none where the dialect has no bytes that mean nothing.
    fn heartbeat(&self) -> Option<&'static [u8]>;

    /// Appends what stands behind the last event. Without an outcome the turn's end was not seen.
    fn end(&mut self, outcome: Option<&Outcome>, out: &mut BytesMut) -> Finish;
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// In order.
    Whole,
    /// Without its last chunk, so that nobody takes it for whole.
    Cut,
}

/// Appends a server-sent event of one JSON line. JSON holds no line ends of its own.
pub(crate) fn data_line(body: &impl Serialize, out: &mut BytesMut) {
    let before = out.len();
    out.put_slice(b"data: ");
    if let Err(error) = serde_json::to_writer(out.writer(), body) {
        // Bodies of our own types are always JSON; a half-written event must not get out.
        tracing::error!(%error, "an event could not be written as JSON");
        out.truncate(before);
        return;
    }
    out.put_slice(b"\n\n");
}

/// The text of a reply that readers see, delta by delta: together the same as the stored reply's text.
#[derive(Debug, Default)]
pub(crate) struct VisibleText {
    last: Option<Kind>,
    begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Hidden,
}

impl VisibleText {
    /// What a delta adds: a line end where it begins a new part, and its text.
    pub(crate) fn of<'a>(&mut self, delta: &'a Delta) -> Option<(&'static str, &'a str)> {
        let (kind, text) = match delta {
            Delta::Text(text) => (Kind::Text, text),
            Delta::Refusal(text) => (Kind::Refusal, text),
            Delta::Reasoning(_) | Delta::ToolCall { .. } => {
                self.last = Some(Kind::Hidden);
                return None;
            }
        };
        let begins_part = self.last != Some(kind) && self.begun;
        self.last = Some(kind);
        self.begun = true;
        Some((if begins_part { "\n" } else { "" }, text))
    }
}

#[cfg(test)]
mod tests {
    use domain::{JsonText, Reply};

    use super::*;

    #[test]
    fn streamed_text_is_the_stored_text() {
        let call =
            Delta::ToolCall { call: "c".into(), name: "clock".into(), arguments: JsonText::empty_object() };
        let deltas = [
            Delta::Reasoning("hm".into()),
            Delta::Text("a".into()),
            Delta::Text("b\n".into()),
            call,
            Delta::Text("c".into()),
            Delta::Refusal("no".into()),
        ];
        let (mut reply, mut visible, mut streamed) =
            (Reply::default(), VisibleText::default(), String::new());
        for delta in deltas {
            if let Some((gap, text)) = visible.of(&delta) {
                streamed.push_str(gap);
                streamed.push_str(text);
            }
            reply.push(delta);
        }
        assert_eq!(streamed, reply.text());
        assert_eq!(streamed, "ab\n\nc\nno");
    }

    /// Threat 66
    #[test]
    fn a_json_event_is_one_line_whatever_the_text() {
        let mut out = BytesMut::new();
        data_line(&"a\n\ndata: [DONE]\r\u{2028}", &mut out);
        let text = std::str::from_utf8(&out).unwrap();
        assert_eq!(text.matches('\n').count(), 2);
        assert!(text.ends_with("\n\n") && !text.contains('\r'));
    }
}
