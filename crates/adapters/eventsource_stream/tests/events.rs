//! Streams of events, as servers send them, split after every byte.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::convert::Infallible;

use eventsource_stream::{EVENT_BYTES, Event, EventStreamError, Eventsource, Framing};
use futures_util::{StreamExt, stream};

type Read = Result<Vec<Event>, EventStreamError<Infallible>>;

async fn read(chunks: Vec<Vec<u8>>) -> Read {
    let mut events = stream::iter(chunks.into_iter().map(Ok::<_, Infallible>)).eventsource();
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        all.push(event?);
    }
    Ok(all)
}

/// The data of all events. Checks that it is the same for every split in two chunks and for single bytes.
async fn data(bytes: &[u8]) -> Vec<String> {
    let of = |events: Read| -> Vec<String> {
        let events = events.unwrap().into_iter().filter(|event| !event.event.is_empty());
        events.filter(|event| event.framing == Framing::Event).map(|event| event.data).collect()
    };
    let whole = of(read(vec![bytes.to_vec()]).await);
    for at in 0..=bytes.len() {
        let (before, after) = bytes.split_at(at);
        assert_eq!(of(read(vec![before.to_vec(), after.to_vec()]).await), whole, "cut at {at}");
    }
    assert_eq!(of(read(bytes.iter().map(|byte| vec![*byte]).collect()).await), whole);
    whole
}

#[tokio::test]
async fn every_line_end_is_a_line_end() {
    for end in ["\n", "\r", "\r\n"] {
        let bytes = format!("data: a{end}data:b{end}{end}data:  c{end}{end}data{end}{end}");
        assert_eq!(data(bytes.as_bytes()).await, ["a\nb", " c", ""]);
    }
}

#[tokio::test]
async fn characters_may_be_cut_anywhere() {
    assert_eq!(data("data: é👍\u{2028}ü\n\n".as_bytes()).await, ["é👍\u{2028}ü"]);
}

#[tokio::test]
async fn a_byte_order_mark_is_skipped_only_at_the_start() {
    let bytes = "\u{feff}data: a\n\ndata: \u{feff}b\n\n";
    assert_eq!(data(bytes.as_bytes()).await, ["a", "\u{feff}b"]);
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_are_replaced() {
    assert_eq!(data(b"data: a\xffb\n\ndata: c\n\n").await, ["a\u{fffd}b", "c"]);
}

#[tokio::test]
async fn an_event_without_data_is_not_dispatched() {
    for bytes in
        [&b"event: x\n\n"[..], b"id: 1\n\n", b"\n\n\n", b"id: a\0b\nretry: soon\n\n", b"dat", b"event"]
    {
        assert_eq!(read(vec![bytes.to_vec()]).await.unwrap(), []);
    }
}

/// The framing and the data of all events but comments. Checks that they are the same for single bytes.
async fn framed(bytes: &[u8]) -> Vec<(Framing, String)> {
    let of = |events: Vec<Event>| -> Vec<(Framing, String)> {
        let mut all: Vec<(Framing, String)> = Vec::new();
        for event in events {
            match all.last_mut() {
                Some((Framing::StrayLines, lines)) if event.framing == Framing::StrayLines => {
                    lines.push('\n');
                    lines.push_str(&event.data);
                }
                Some(_) | None => all.push((event.framing, event.data)),
            }
        }
        all
    };
    let whole = of(read(vec![bytes.to_vec()]).await.unwrap());
    assert_eq!(of(read(bytes.iter().map(|byte| vec![*byte]).collect()).await.unwrap()), whole);
    whole
}

#[tokio::test]
async fn an_event_without_its_blank_line_is_marked() {
    for bytes in ["data: a", "data: a\n", "event: e\ndata: a\n", "data: a\r\nid"] {
        assert_eq!(framed(bytes.as_bytes()).await, [(Framing::WithoutEnd, "a".to_owned())], "{bytes:?}");
    }
    let events = read(vec![b"event: error\ndata: a\n".to_vec()]).await.unwrap();
    assert_eq!(events[0].event, "error");
}

#[tokio::test]
async fn lines_that_are_no_field_are_marked() {
    for lines in [
        "unknown: 1",
        "{\"error\": {\"message\": \"no\"}}",
        "{\n  \"error\": 1\n}",
        "error: {}",
        "<html>\n  <body>",
        "data error",
        " data: a",
    ] {
        let stray = (Framing::StrayLines, lines.to_owned());
        assert_eq!(framed(lines.as_bytes()).await, std::slice::from_ref(&stray), "at the end");
        let before = format!("{lines}\n\ndata: a\n\n");
        let event = (Framing::Event, "a".to_owned());
        assert_eq!(framed(before.as_bytes()).await, [stray.clone(), event.clone()], "before an event");
        let within = format!("data: a\n{lines}\n\n");
        let found = if lines.contains('{') { [event, stray] } else { [stray, event] };
        assert_eq!(framed(within.as_bytes()).await, found, "within an event");
    }
}

#[tokio::test]
async fn a_line_of_json_does_not_overtake_the_event_before_it() {
    let event = |data: &str| (Framing::Event, data.to_owned());
    let stray = |data: &str| (Framing::StrayLines, data.to_owned());
    assert_eq!(
        framed(b"data: a\n{\"b\":1}\ndata: c\n\n").await,
        [event("a"), stray("{\"b\":1}"), event("c")]
    );
    assert_eq!(framed(b"data: a\nmore\ndata: c\n\n").await, [stray("more"), event("a\nc")]);
}

#[tokio::test]
async fn fields_are_read() {
    let events = read(vec![b"event: e\nid: 7\nretry: 20\ndata: a\n\ndata: b\n\n".to_vec()]).await.unwrap();
    let retry = Some(std::time::Duration::from_millis(20));
    assert_eq!(
        events,
        [
            Event { event: "e".into(), data: "a".into(), id: "7".into(), retry, framing: Framing::Event },
            Event {
                event: "message".into(),
                data: "b".into(),
                id: "7".into(),
                retry: None,
                framing: Framing::Event
            },
        ]
    );
}

#[tokio::test]
async fn consecutive_comments_are_reported_once() {
    let events = read(vec![b": a\n\n: b\n\n".to_vec(), b":\ndata: x\n\n".to_vec()]).await.unwrap();
    let data: Vec<&str> = events.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(data, ["", "", "x"]);
}

#[tokio::test]
async fn no_event_is_larger_than_the_limit() {
    let fits = format!("data: {}\n\n", "x".repeat(EVENT_BYTES - 6));
    assert_eq!(read(vec![fits.into_bytes()]).await.unwrap().len(), 1);
    let long_line = vec![b'x'; 4096];
    let many_lines = b"data: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".to_vec();
    for chunk in [long_line, many_lines] {
        let times = 2 * EVENT_BYTES / chunk.len();
        let error = read(vec![chunk; times]).await.unwrap_err();
        assert!(matches!(error, EventStreamError::Parser(_)));
        assert_eq!(error.to_string(), "an event is too large");
    }
}

#[tokio::test]
async fn many_chunks_without_an_event_do_not_block_other_tasks() {
    let mut events = stream::repeat(Ok::<_, Infallible>(b"id:1\n\n")).eventsource();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), events.next()).await;
    assert!(waited.is_err());
}
