//! The stream of S0: an event for each piece of text, an event with the facts of the turn, and `[DONE]`.

use bytes::BytesMut;
use domain::{Conversation, ResponseId, TurnEvent, TurnId};
use serde::Serialize;
use services::{Outcome, RunningTurn, TurnFailure};

use super::response::DoneBody;
use crate::error::ErrorBody;
use crate::stream::{BodyEnd, Encoder, VisibleText, data_line};

/// Writes the events of a turn in the form of S0.
pub(crate) struct ChatEvents {
    turn: TurnId,
    conversation_id: String,
    /// The conversation at the start of the turn. Nothing else is known of it if it is deleted before the turn ends.
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
    /// An encoder for this turn. `conversation_id` is the id as it is shown.
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
        if let TurnEvent::Delta(delta) = event
            && let Some((gap, text)) = self.visible.append(delta)
        {
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

    /// If the turn failed, the last event is an error, and there is no `done` and no `[DONE]` (C-10).
    fn end(&mut self, outcome: Option<&Outcome>, out: &mut BytesMut) -> BodyEnd {
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
        BodyEnd::Complete
    }
}
