//! Tests of the stream: whatever the text and however it is cut, it arrives.

use bytes::Bytes;
use domain::{Delta, EndState, Ending, FailureKind, FinishReason, Timestamp, Usage};
use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn outcome(state: EndState) -> Outcome {
    let ending = Ending { state, ..Ending::interrupted(Usage::default(), Timestamp::UNIX_EPOCH) };
    Outcome { ending, change: None, response: None }
}

/// The stream of a reply with these deltas.
fn written(deltas: &[Delta], state: EndState) -> String {
    let (mut encoder, mut out) = (BareText::default(), BytesMut::new());
    for delta in deltas {
        encoder.encode(1, &TurnEvent::Delta(delta.clone()), &mut out);
    }
    assert_eq!(encoder.end(Some(&outcome(state)), &mut out), BodyEnd::Complete);
    String::from_utf8(out.to_vec()).unwrap()
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<Delta> {
    texts.into_iter().map(|text| Delta::Text(text.to_owned())).collect()
}

fn completed() -> EndState {
    EndState::Completed(FinishReason::Stop)
}

/// A reader of event streams, by the rules of the HTML standard ("9.2.6 Interpreting an event stream"). It takes bytes
/// in any pieces.
#[derive(Default)]
struct EventReader {
    line: Vec<u8>,
    after_return: bool,
    kind: String,
    data: String,
    /// The type and the data of each event.
    events: Vec<(String, String)>,
}

impl EventReader {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(*byte),
            }
            self.after_return = *byte == b'\r';
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "event" => value.clone_into(&mut self.kind),
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let (kind, mut data) = (std::mem::take(&mut self.kind), std::mem::take(&mut self.data));
        if data.pop().is_some() {
            let kind = if kind.is_empty() { "message".to_owned() } else { kind };
            self.events.push((kind, data));
        }
    }
}

fn events(stream: &str) -> Vec<(String, String)> {
    let mut reader = EventReader::default();
    reader.push(stream.as_bytes());
    reader.events
}

/// Pieces that are hard to carry, and any other characters.
fn piece() -> impl Strategy<Value = String> {
    let hard = [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        " ",
        "  ",
        "[DONE]",
        "[DO",
        "NE]",
        "[",
        "]",
        "data: ",
        "data:",
        ":",
        "event: error",
        "\u{2028}",
        "\u{85}",
        "\u{feff}",
        "\u{1}",
        "\t",
        "👩\u{200d}🔬",
        "😀",
        "a",
        "word ",
    ];
    prop_oneof![
        4 => prop::sample::select(hard.to_vec()).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("U+0000 is never sent", |c| *c != '\0').prop_map(String::from),
    ]
}

/// Cuts a sequence after each element whose number says so.
fn cut<T: Copy>(all: &[T], cuts: &[u8]) -> Vec<Vec<T>> {
    let mut pieces = vec![Vec::new()];
    for (element, cut) in all.iter().zip(cuts.iter().cycle()) {
        pieces.last_mut().unwrap().push(*element);
        if *cut < 96 {
            pieces.push(Vec::new());
        }
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// S1-9, S1-10, S1-11, C-10
    #[test]
    fn every_text_arrives_however_it_is_cut(
        pieces in vec(piece(), 0..30),
        text_cuts in vec(any::<u8>(), 1..60),
        byte_cuts in vec(any::<u8>(), 1..60),
    ) {
        let text = pieces.concat();
        let characters: Vec<char> = text.chars().collect();
        let deltas: Vec<String> = cut(&characters, &text_cuts).into_iter().map(String::from_iter).collect();
        let stream = written(&texts(deltas.iter().map(String::as_str)), completed());

        let lines: Vec<&str> = stream.split('\n').filter(|line| !line.is_empty()).collect();
        let (last, others) = lines.split_last().unwrap();
        prop_assert_eq!(*last, "data: [DONE]");
        for line in others {
            prop_assert!(line.starts_with("data: ") && !line.contains("[DONE]"), "{:?}", line);
        }

        let chunks = cut(stream.as_bytes(), &byte_cuts);
        let mut reader = EventReader::default();
        for chunk in &chunks {
            reader.push(chunk);
        }
        let chunks = chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));
        let read = futures_util::stream::iter(chunks).eventsource().collect::<Vec<_>>();
        let by_library = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(read);
        let by_library: Vec<_> =
            by_library.into_iter().map(Result::unwrap).map(|event| (event.event, event.data)).collect();
        prop_assert_eq!(&by_library, &reader.events);

        let (done, shown) = reader.events.split_last().unwrap();
        prop_assert_eq!(done.1.as_str(), "[DONE]");
        let shown: String = shown.iter().map(|(_, data)| data.as_str()).collect();
        prop_assert_eq!(shown, text.replace("\r\n", "\n").replace('\r', "\n"));
    }
}

#[test]
fn a_piece_is_an_event_and_a_line_end_begins_a_line() {
    let stream = written(&texts(["Once", " upon", "", "\na\r", "\nb", "\r", "\n"]), completed());
    assert_eq!(
        stream,
        "data: Once\n\ndata:  upon\n\ndata: \ndata: a\ndata: \n\ndata: b\n\ndata: \ndata: \n\ndata: [DONE]\n\n"
    );
}

/// S1-10
#[test]
fn done_in_a_text_does_not_end_the_stream() {
    for deltas in [
        &["[DONE]"][..],
        &["a [DONE] b"],
        &[" [DONE]\u{feff}"],
        &["[DO", "NE]"],
        &["[DONE][DONE]"],
        &["\r", "\n[DONE]"],
        &["[DO\r\nNE]"],
    ] {
        let stream = written(&texts(deltas.iter().copied()), EndState::Stopped);
        assert_eq!(stream.matches("[DONE]").count(), 1, "{stream}");
        let events = events(&stream);
        assert_eq!(events.last().unwrap().1, "[DONE]");
    }
}

#[test]
fn the_text_is_that_of_the_stored_message() {
    let deltas = [
        Delta::Reasoning("hm".into()),
        Delta::Text("a\r".into()),
        Delta::Refusal("no".into()),
        Delta::Text("[DO".into()),
    ];
    let events = events(&written(&deltas, completed()));
    let shown: Vec<&str> = events.iter().map(|(_, data)| data.as_str()).collect();
    assert_eq!(shown, ["a\n", "no", "\n[DO", "[DONE]"], "`\\r` and the gap after it are one line end");
}

/// C-10
#[test]
fn a_failure_is_an_event_of_its_own_and_never_done() {
    let said = texts(["Hel"]);
    let failed = EndState::Failed(FailureKind::Truncated.into());
    for (state, code) in [(failed, "upstream_truncated"), (EndState::Interrupted, "turn_interrupted")] {
        let events = events(&written(&said, state));
        let [(_, text), (kind, error)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((text.as_str(), kind.as_str()), ("Hel", "error"));
        let error: serde_json::Value = serde_json::from_str(error).unwrap();
        assert_eq!((&error["error"]["code"], &error["detail"]), (&code.into(), &error["error"]["message"]));
    }
    let mut out = BytesMut::new();
    BareText::default().end(None, &mut out);
    assert!(out.starts_with(b"event: error\ndata: {") && out.ends_with(b"}\n\n"), "{out:?}");
}
