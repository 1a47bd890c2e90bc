//! The stream of S3: the text of the reply.

use actix_web::http::header::HeaderValue;
use bytes::BytesMut;
use domain::{EndState, TurnEvent};
use services::Outcome;

use crate::stream::{BodyEnd, Encoder, VisibleText};

/// Writes the text of the reply. Every byte is part of the text, so there are no heartbeats (S3-10).
#[derive(Default)]
pub(crate) struct PlainText {
    visible: VisibleText,
}

impl Encoder for PlainText {
    const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

    fn encode(&mut self, _: usize, event: &TurnEvent, out: &mut BytesMut) {
        if let TurnEvent::Delta(delta) = event
            && let Some((gap, text)) = self.visible.append(delta)
        {
            out.extend_from_slice(gap.as_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        None
    }

    /// Plain text cannot tell of a failure, so the body is cut off (C-10).
    fn end(&mut self, outcome: Option<&Outcome>, _: &mut BytesMut) -> BodyEnd {
        match outcome.map(|outcome| &outcome.ending.state) {
            Some(EndState::Completed(_) | EndState::Stopped) => BodyEnd::Complete,
            Some(EndState::Failed(_) | EndState::Interrupted) | None => BodyEnd::CutOff,
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
    fn a_failed_stream_is_cut_off() {
        let ends = |state| PlainText::default().end(Some(&outcome(state)), &mut BytesMut::new());
        assert_eq!(ends(EndState::Completed(FinishReason::Stop)), BodyEnd::Complete);
        assert_eq!(ends(EndState::Stopped), BodyEnd::Complete);
        assert_eq!(ends(EndState::Failed(FailureKind::Truncated.into())), BodyEnd::CutOff);
        assert_eq!(ends(EndState::Interrupted), BodyEnd::CutOff);
        assert_eq!(PlainText::default().end(None, &mut BytesMut::new()), BodyEnd::CutOff);
    }
}
