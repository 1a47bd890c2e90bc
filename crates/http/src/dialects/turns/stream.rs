//! The events of a turn with their numbers, as JSON. Every replay of a reply that was kept has the same events.

use bytes::BytesMut;
use domain::{Delta, EndState, Ending, TurnEvent};
use serde::Serialize;
use services::{Outcome, TurnFailure};

use crate::error::ErrorObject;
use crate::stream::{BodyEnd, Encoder, data_line};
use crate::wire::{UsageBody, time};

/// Writes each event as `data: {"event":N,"type":…}`.
pub(crate) struct NumberedEvents;

#[derive(Serialize)]
struct Numbered<T> {
    event: usize,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum EventBody<'a> {
    Started {
        turn_id: String,
        conversation_id: String,
    },
    Delta {
        delta: DeltaBody<'a>,
    },
    Completed {
        finish_reason: &'a str,
        #[serde(flatten)]
        end: EndBody,
    },
    Failed {
        error: ErrorObject<'a>,
        #[serde(flatten)]
        end: EndBody,
    },
    Stopped(EndBody),
    Interrupted {
        error: ErrorObject<'a>,
        #[serde(flatten)]
        end: EndBody,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum DeltaBody<'a> {
    Text { text: &'a str },
    Refusal { text: &'a str },
    Reasoning { text: &'a str },
    ToolCall { call_id: &'a str, name: &'a str, arguments: &'a str },
}

#[derive(Serialize)]
struct EndBody {
    /// The message with the reply; `None` if the reply has no text.
    message_id: Option<String>,
    usage: UsageBody,
    cost: f64,
    ended_at: String,
}

impl Encoder for NumberedEvents {
    fn encode(&mut self, number: usize, event: &TurnEvent, out: &mut BytesMut) {
        match event {
            TurnEvent::Started { turn, conversation } => {
                let (turn_id, conversation_id) = (turn.to_string(), conversation.prefixed());
                data_line(
                    &Numbered { event: number, body: EventBody::Started { turn_id, conversation_id } },
                    out,
                );
            }
            TurnEvent::Delta(delta) => {
                data_line(&Numbered { event: number, body: EventBody::Delta { delta: delta.into() } }, out);
            }
            TurnEvent::Ended(ending) => end_line(number, ending, out),
        }
    }

    fn end(&mut self, outcome: Option<&Outcome>, _: &mut BytesMut) -> BodyEnd {
        // Without an outcome the turn was deleted, or the store is away. A complete body would look like its end.
        if outcome.is_some() { BodyEnd::Complete } else { BodyEnd::CutOff }
    }
}

fn end_line(number: usize, ending: &Ending, out: &mut BytesMut) {
    let Ending { state, reply, usage, cost, response_time_ms: _, at } = ending;
    let end = EndBody {
        message_id: reply.map(|reply| reply.id.prefixed()),
        usage: (*usage).into(),
        cost: cost.to_dollars(),
        ended_at: time(*at),
    };
    let message;
    let body = match state {
        EndState::Completed(reason) => EventBody::Completed { finish_reason: reason.as_str(), end },
        EndState::Failed(failure) => {
            let failure = TurnFailure::Failed(*failure);
            message = failure.to_string();
            EventBody::Failed { error: ErrorObject::in_stream(&failure, &message), end }
        }
        EndState::Stopped => EventBody::Stopped(end),
        EndState::Interrupted => {
            message = TurnFailure::Interrupted.to_string();
            EventBody::Interrupted { error: ErrorObject::in_stream(&TurnFailure::Interrupted, &message), end }
        }
    };
    data_line(&Numbered { event: number, body }, out);
}

impl<'a> From<&'a Delta> for DeltaBody<'a> {
    fn from(delta: &'a Delta) -> Self {
        match delta {
            Delta::Text(text) => Self::Text { text },
            Delta::Refusal(text) => Self::Refusal { text },
            Delta::Reasoning(text) => Self::Reasoning { text },
            Delta::ToolCall { call, name, arguments } => {
                Self::ToolCall { call_id: call, name, arguments: arguments.as_str() }
            }
        }
    }
}

#[cfg(test)]
mod tests;
