//! Streams that were recorded from real servers, each of which was told to say [`TOLD`].

use domain::FinishReason;
use omnichat_openai_wire::{ChatDecoder, Decoder, Redaction, ResponsesDecoder};
use ports::ModelEvent;

use crate::support::{read, text};

const TOLD: &str = "Grüße 😀 and\n\ndata: [DONE]";

/// The data of the events. None of these servers sends data of several lines.
fn frames(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// Checks the text, the end and the token counts of a stream.
fn check(decoder: impl Decoder, name: &str, stream: &str, (input, output): (u64, u64)) {
    let (events, error) = read(decoder, &frames(stream));
    assert!(error.is_none(), "{name}: {error:?}");
    assert_eq!(text(&events), TOLD, "{name}");
    let last = events.last();
    assert!(
        matches!(last, Some(ModelEvent::Finished { reason: FinishReason::Stop, .. })),
        "{name}: {last:?}"
    );
    let counts = events.iter().rev().find_map(|event| match event {
        ModelEvent::Usage { usage, .. } => Some((usage.input, usage.output)),
        ModelEvent::Delta(_) | ModelEvent::ServedBy(_) | ModelEvent::Finished { .. } => None,
    });
    assert_eq!(counts, Some((Some(input), Some(output))), "{name}");
}

/// aimock cuts its text into pieces of seven UTF-16 units, so that one character is in halves.
#[test]
fn recorded_chat_completions_are_read() {
    for (name, stream, counts) in [
        ("llama.cpp", include_str!("recorded/llama_cpp_chat.sse"), (19, 10)),
        ("LiteLLM", include_str!("recorded/litellm_chat.sse"), (10, 11)),
        ("aimock", include_str!("recorded/aimock_chat.sse"), (3, 7)),
        ("aimock as OpenRouter", include_str!("recorded/aimock_openrouter.sse"), (3, 7)),
    ] {
        check(ChatDecoder::new(Redaction::default()), name, stream, counts);
    }
}

#[test]
fn recorded_responses_are_read() {
    for (name, stream, counts) in [
        ("llama.cpp", include_str!("recorded/llama_cpp_responses.sse"), (19, 10)),
        ("LiteLLM before llama.cpp", include_str!("recorded/litellm_responses.sse"), (19, 10)),
        ("aimock", include_str!("recorded/aimock_responses.sse"), (0, 0)),
    ] {
        check(ResponsesDecoder::new(Redaction::default()), name, stream, counts);
    }
}
