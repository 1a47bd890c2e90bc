//! Shared by the tests of both decoders.

use domain::{Delta, FinishReason, JsonText};
use omnichat_openai_wire::Decoder;
use ports::{ModelError, ModelEvent};

/// Decodes these events and a clean end of the stream. Returns the results, and the error if there is one.
pub(crate) fn read(mut decoder: impl Decoder, frames: &[&str]) -> (Vec<ModelEvent>, Option<ModelError>) {
    let mut events = Vec::new();
    let mut error = None;
    for frame in frames {
        if let Err(found) = decoder.push(frame, &mut events) {
            assert!(error.is_none(), "a second error: {found:?}");
            error = Some(found);
        }
    }
    if let Err(found) = decoder.end(&mut events) {
        assert!(error.is_none(), "a second error: {found:?}");
        error = Some(found);
    }
    let ends = events.iter().filter(|event| matches!(event, ModelEvent::Finished { .. })).count();
    assert_eq!(ends + usize::from(error.is_some()), 1, "one end or one error");
    (events, error)
}

/// The text of all deltas.
pub(crate) fn text(events: &[ModelEvent]) -> String {
    let piece = |event: &ModelEvent| match event {
        ModelEvent::Delta(Delta::Text(text)) => text.clone(),
        ModelEvent::Delta(_)
        | ModelEvent::ServedBy(_)
        | ModelEvent::Usage { .. }
        | ModelEvent::Finished { .. } => String::new(),
    };
    events.iter().map(piece).collect()
}

/// A delta of text.
pub(crate) fn say(text: &str) -> ModelEvent {
    ModelEvent::Delta(Delta::Text(text.to_owned()))
}

/// A delta of a refusal.
pub(crate) fn refuse(text: &str) -> ModelEvent {
    ModelEvent::Delta(Delta::Refusal(text.to_owned()))
}

/// A delta of reasoning.
pub(crate) fn think(text: &str) -> ModelEvent {
    ModelEvent::Delta(Delta::Reasoning(text.to_owned()))
}

/// The end of an answer.
pub(crate) fn finished(reason: FinishReason) -> ModelEvent {
    ModelEvent::Finished { response: None, reason }
}

/// A tool call.
pub(crate) fn call(id: &str, name: &str, arguments: &str) -> ModelEvent {
    ModelEvent::Delta(Delta::ToolCall {
        call: id.to_owned(),
        name: name.to_owned(),
        arguments: JsonText::from_parsed(arguments.to_owned()),
    })
}
