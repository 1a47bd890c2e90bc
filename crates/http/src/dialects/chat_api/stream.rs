//! The stream of S1: the bare text of the reply as server-sent events, and `[DONE]` (C-10).

use bytes::BytesMut;
use domain::TurnEvent;
use services::{Outcome, TurnFailure};

use crate::error::ErrorBody;
use crate::stream::{BodyEnd, Encoder, VisibleText, data_line};

/// The data of the last event.
const DONE: &str = "[DONE]";
/// How much of `[DONE]` is written before it is cut.
const CUT: usize = "[DO".len();

/// Writes the text of the reply, an event for each piece.
///
/// A client gets the text by joining the data of all events. In the text, `[DONE]` is cut in two events: some clients
/// compare lines, and not events, with it. Server-sent events cannot carry a carriage return: each `\r\n`, `\r` and `\n`
/// is read as `\n`.
#[derive(Default)]
pub(crate) struct BareText {
    visible: VisibleText,
    /// Whether the text so far ends with `\r`: then a `\n` that follows belongs to the same line end.
    ends_with_return: bool,
}

impl BareText {
    fn write(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        let mut rest = if self.ends_with_return { text.strip_prefix('\n').unwrap_or(text) } else { text };
        self.ends_with_return = text.ends_with('\r');
        while let Some(at) = rest.find(DONE) {
            let (begin, end) = rest.split_at(at + CUT);
            write_event(begin, out);
            rest = end;
        }
        if !rest.is_empty() {
            write_event(rest, out);
        }
    }
}

/// Writes an event with this data, in a line of its own for each line.
fn write_event(data: &str, out: &mut BytesMut) {
    for line in data.split("\r\n").flat_map(|part| part.split(['\r', '\n'])) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"\n");
}

impl Encoder for BareText {
    fn encode(&mut self, _: usize, event: &TurnEvent, out: &mut BytesMut) {
        if let TurnEvent::Delta(delta) = event
            && let Some((gap, text)) = self.visible.append(delta)
        {
            if gap.is_empty() {
                self.write(text, out);
            } else {
                self.write(&format!("{gap}{text}"), out);
            }
        }
    }

    /// If the turn failed, the last event is an error, and there is no `[DONE]`.
    fn end(&mut self, outcome: Option<&Outcome>, out: &mut BytesMut) -> BodyEnd {
        let failure = match outcome {
            Some(outcome) => outcome.failure(),
            None => Some(TurnFailure::Interrupted),
        };
        if let Some(failure) = failure {
            out.extend_from_slice(b"event: error\n");
            data_line(&ErrorBody::in_stream(&failure, &failure.to_string()), out);
        } else {
            write_event(DONE, out);
        }
        BodyEnd::Complete
    }
}

#[cfg(test)]
mod tests;
