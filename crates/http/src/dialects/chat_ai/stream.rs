//! S3's stream: the reply's text and nothing else.

use bytes::BytesMut;
use domain::{EndState, TurnEvent};
use services::Outcome;

use crate::stream::{Encoder, Finish, VisibleText};

/// Writes the text as it comes. Every byte means something, so there are no heartbeats (S3-10).
#[derive(Default)]
pub(crate) struct PlainText {
    visible: VisibleText,
}

impl Encoder for PlainText {
    fn encode(&mut self, _: usize, event: &TurnEvent, out: &mut BytesMut) {
        match event {
            TurnEvent::Started { .. } | TurnEvent::Ended(_) => {}
            TurnEvent::Delta(delta) => {
                if let Some((gap, text)) = self.visible.of(delta) {
                    out.extend_from_slice(gap.as_bytes());
                    out.extend_from_slice(text.as_bytes());
                }
            }
        }
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        None
    }

    /// Plain text has no word for a failure, so the body breaks off (C-10).
    fn end(&mut self, outcome: Option<&Outcome>, _: &mut BytesMut) -> Finish {
        match outcome.map(|outcome| &outcome.ending.state) {
            Some(EndState::Completed(_) | EndState::Stopped) => Finish::Whole,
            Some(EndState::Failed(_) | EndState::Interrupted) | None => Finish::Cut,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Delta, Ending, FailureKind, FinishReason, NanoDollars, Timestamp, Usage};

    use super::*;

    fn outcome(state: EndState) -> Outcome {
        let ending = Ending {
            state,
            reply: None,
            usage: Usage::default(),
            cost: NanoDollars(0),
            response_time_ms: 0,
            at: Timestamp::from_timestamp(0, 0).unwrap(),
        };
        Outcome { ending, change: None, response: None }
    }

    #[test]
    fn only_text_is_written() {
        let (mut encoder, mut out) = (PlainText::default(), BytesMut::new());
        for delta in [Delta::Reasoning("hm".into()), Delta::Text("He".into()), Delta::Text("llo\n".into())] {
            encoder.encode(1, &TurnEvent::Delta(delta), &mut out);
        }
        assert_eq!(&out[..], b"Hello\n");
        assert_eq!(encoder.heartbeat(), None);
    }

    #[test]
    fn a_failed_stream_never_looks_finished() {
        let ends = |state| PlainText::default().end(Some(&outcome(state)), &mut BytesMut::new());
        assert_eq!(ends(EndState::Completed(FinishReason::Stop)), Finish::Whole);
        assert_eq!(ends(EndState::Stopped), Finish::Whole);
        assert_eq!(ends(EndState::Failed(FailureKind::Truncated.into())), Finish::Cut);
        assert_eq!(ends(EndState::Interrupted), Finish::Cut);
        assert_eq!(PlainText::default().end(None, &mut BytesMut::new()), Finish::Cut);
    }
}
