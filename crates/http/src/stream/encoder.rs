//! How a dialect writes events.

use actix_web::http::header::HeaderValue;
use bytes::{BufMut, BytesMut};
use domain::{Delta, TurnEvent};
use serde::Serialize;
use services::Outcome;

/// Writes the events of a turn in the form of one dialect: server-sent events, if it does not say otherwise. It only
/// appends to a buffer.
pub(crate) trait Encoder: 'static {
    /// The media type of what it writes.
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");

    /// Appends the event with this number, in full or not at all.
    fn encode(&mut self, number: usize, event: &TurnEvent, out: &mut BytesMut);

    /// The bytes that keep a stream without events open; `None` if every byte of the dialect has a meaning.
    fn heartbeat(&self) -> Option<&'static [u8]> {
        Some(b": keep-alive\n\n")
    }

    /// Appends what follows the last event. `outcome` is `None` if the end of the turn is not known.
    fn end(&mut self, outcome: Option<&Outcome>, out: &mut BytesMut) -> BodyEnd;
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyEnd {
    /// With its last chunk.
    Complete,
    /// Without its last chunk, so that clients see that it is incomplete.
    CutOff,
}

/// Appends a server-sent event with one line of JSON. Compact JSON holds no line breaks.
pub(crate) fn data_line(body: &impl Serialize, out: &mut BytesMut) {
    let before = out.len();
    out.put_slice(b"data: ");
    if let Err(error) = serde_json::to_writer(out.writer(), body) {
        // Our types can always be written as JSON; if not, a half-written event must not be sent.
        tracing::error!(%error, "an event could not be written as JSON");
        out.truncate(before);
        return;
    }
    out.put_slice(b"\n\n");
}

/// The visible text of a reply, delta by delta. All of it together equals the text of the stored reply.
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
    /// The text that a delta adds, and before it a line break if the delta begins a new part. `None` if it adds no text.
    pub(crate) fn append<'a>(&mut self, delta: &'a Delta) -> Option<(&'static str, &'a str)> {
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
            if let Some((gap, text)) = visible.append(&delta) {
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
    fn a_json_event_is_one_line_for_every_text() {
        let mut out = BytesMut::new();
        data_line(&"a\n\ndata: [DONE]\r\u{2028}", &mut out);
        let text = std::str::from_utf8(&out).unwrap();
        assert_eq!(text.matches('\n').count(), 2);
        assert!(text.ends_with("\n\n") && !text.contains('\r'));
    }
}
