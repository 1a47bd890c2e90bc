//! S0's stream: each piece of text an event, then what came of the turn, then `[DONE]`.

use bytes::BytesMut;
use domain::{Conversation, ResponseId, TurnEvent, TurnId};
use serde::Serialize;
use services::{Outcome, RunningTurn, TurnFailure};

use super::response::DoneBody;
use crate::error::ErrorBody;
use crate::stream::{Encoder, Finish, VisibleText, data_line};

/// Writes a turn's events for a client of S0.
pub(crate) struct ChatEvents {
    turn: TurnId,
    conversation_id: String,
    /// The conversation as it was when the turn began: all that is known of one that is gone by its end.
    begun: Conversation,
    visible: VisibleText,
}

#[derive(Serialize)]
struct DeltaEvent<'a> {
    delta: TextDelta<'a>,
}

#[derive(Serialize)]
struct TextDelta<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

impl ChatEvents {
    /// The events of this turn, with the conversation's id in this form.
    pub(crate) fn new(turn: &RunningTurn, conversation_id: String) -> Self {
        Self {
            turn: turn.turn(),
            conversation_id,
            begun: turn.conversation.clone(),
            visible: VisibleText::default(),
        }
    }
}

impl Encoder for ChatEvents {
    fn encode(&mut self, _: usize, event: &TurnEvent, out: &mut BytesMut) {
        match event {
            TurnEvent::Started { .. } | TurnEvent::Ended(_) => {}
            TurnEvent::Delta(delta) => {
                if let Some((gap, text)) = self.visible.of(delta) {
                    let joined;
                    let text = if gap.is_empty() {
                        text
                    } else {
                        joined = format!("{gap}{text}");
                        &joined
                    };
                    data_line(&DeltaEvent { delta: TextDelta { kind: "text", text } }, out);
                }
            }
        }
    }

    fn heartbeat(&self) -> Option<&'static [u8]> {
        Some(b": keep-alive\n\n")
    }

    /// A turn that failed has an error as its last event, and neither `done` nor `[DONE]` (C-10).
    fn end(&mut self, outcome: Option<&Outcome>, out: &mut BytesMut) -> Finish {
        let failure = match outcome {
            Some(outcome) => outcome.failure(),
            None => Some(TurnFailure::Interrupted),
        };
        if let Some(failure) = failure {
            data_line(&ErrorBody::in_stream(&failure, &failure.to_string()), out);
        } else if let Some(Outcome { ending, change, response }) = outcome {
            let response = response.clone().unwrap_or_else(|| ResponseId::of_turn(self.turn));
            let begun = self.begun.clone();
            let conversation = match change {
                Some(change) => begun.after(change.clone()),
                None => begun,
            };
            data_line(&DoneBody::new(&response, ending, &conversation, &self.conversation_id), out);
            out.extend_from_slice(b"data: [DONE]\n\n");
        }
        Finish::Whole
    }
}
