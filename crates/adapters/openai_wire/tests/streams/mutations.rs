//! Valid streams, in which fields are dropped, set to null, given other types or doubled at random.
//!
//! The rule: a stream that still ends well has exactly the text and the refusal of the valid stream. Otherwise the turn fails.
//!
//! *Needed* are the fields that hold visible text, also where they are empty, and the objects and lists that they stand in. A
//! stream of Chat Completions holds its text once: if a server leaves it out, nobody can know, so the needed fields there are
//! never dropped, nor set to a value that means "no text", nor to another text. They are doubled, and given types that cannot be
//! read. A stream of the Responses API repeats its text at the end, so there all fields are changed in every way, as long as
//! one place with the complete text is left alone.
//!
//! One stream in eight is left as it is, and must end well.
//!
//! `OMNICHAT_TEST_CASES` sets the number of cases, and `OMNICHAT_TEST_SEED` the first seed; each case has a seed of its own,
//! which a failure prints. `scripts/wire-cases.sh` runs many cases.

mod answer;
mod chat_stream;
mod random;
mod responses_stream;
mod tree;

use domain::Delta;
use omnichat_openai_wire::{ChatDecoder, Redaction, ResponsesDecoder};
use ports::{ModelError, ModelEvent};

use crate::support::read;
use answer::Answer;
use random::Random;
use tree::Tree;

const CASES: u64 = 5_000;

/// The API of a stream.
#[derive(Debug, Clone, Copy)]
enum Api {
    Chat,
    OpenRouter,
    Responses,
}

/// Prints the seed if the test panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {0}: OMNICHAT_TEST_SEED={0} OMNICHAT_TEST_CASES=1 runs this case alone", self.0);
        }
    }
}

#[test]
fn a_changed_stream_has_its_text_or_fails() {
    let setting = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().expect("the setting is a number"))
    };
    let (first, cases) = (setting("OMNICHAT_TEST_SEED", 1), setting("OMNICHAT_TEST_CASES", CASES));
    let mut completed = 0;
    for seed in first..first + cases {
        let _seed = Seed(seed);
        completed += u64::from(case(seed));
    }
    eprintln!("{cases} cases from seed {first}: {completed} completed, {} failed", cases - completed);
    // If nearly all failed, the test would show nothing.
    assert!(completed >= cases / 3, "{completed} of {cases} cases completed");
}

/// Runs one case. Returns whether the changed stream ended well.
fn case(seed: u64) -> bool {
    let mut random = Random::new(seed);
    let api = [Api::Chat, Api::OpenRouter, Api::Responses][random.below(3)];
    let answer = Answer::random(&mut random);
    let mut stream = match api {
        Api::Chat => chat_stream::random(&answer, false, &mut random),
        Api::OpenRouter => chat_stream::random(&answer, true, &mut random),
        Api::Responses => responses_stream::random(&answer, &mut random),
    };
    let is_changed = !random.once_in(8);
    if is_changed {
        for _ in 0..=random.below(4) {
            tree::change(&mut stream, &mut random);
        }
    }
    let frames = frames(&stream);
    let (events, error) = decode(api, &frames);
    if error.is_none() {
        assert_eq!(visible(&events), (answer.text(), answer.refusal()), "{frames:#?}");
    } else {
        assert!(is_changed, "the valid stream failed: {error:?}\n{frames:#?}");
    }
    error.is_none()
}

/// Returns the data of all events, and of the end of the stream.
fn frames(stream: &[Tree]) -> Vec<String> {
    stream.iter().map(Tree::to_json).chain(["[DONE]".to_owned()]).collect()
}

fn decode(api: Api, frames: &[String]) -> (Vec<ModelEvent>, Option<ModelError>) {
    let frames: Vec<_> = frames.iter().map(String::as_str).collect();
    match api {
        Api::Chat | Api::OpenRouter => read(ChatDecoder::new(Redaction::default()), &frames),
        Api::Responses => read(ResponsesDecoder::new(Redaction::default()), &frames),
    }
}

/// Returns the text and the refusal.
fn visible(events: &[ModelEvent]) -> (String, String) {
    let mut visible = (String::new(), String::new());
    for event in events {
        match event {
            ModelEvent::Delta(Delta::Text(text)) => visible.0.push_str(text),
            ModelEvent::Delta(Delta::Refusal(text)) => visible.1.push_str(text),
            ModelEvent::Delta(Delta::Reasoning(_) | Delta::ToolCall { .. })
            | ModelEvent::ServedBy(_)
            | ModelEvent::Usage { .. }
            | ModelEvent::Finished { .. } => {}
        }
    }
    visible
}
