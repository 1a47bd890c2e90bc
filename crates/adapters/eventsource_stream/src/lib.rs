//! Reads server-sent events from a stream of bytes, with a limit on their size.
//!
//! `reqwest-eventsource` uses a crate of this name. That crate keeps an event of any size, scans the whole of it again
//! with every chunk, panics on a byte order mark, and drops everything after a byte that is not UTF-8. This crate
//! replaces it with the same interface (docs/decisions/004-event-stream-parser.md): it keeps at most [`EVENT_BYTES`],
//! reads every byte once, skips the mark, and replaces bytes that are not UTF-8 by U+FFFD.
//!
//! The specification drops lines without a known field, and an event whose blank line is missing at the end of the
//! stream. Servers send errors and whole answers like that, so this crate passes both on, marked by their [`Framing`].

mod decoder;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::string::FromUtf8Error;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use nom::error::{Error as NomError, ErrorKind};

use decoder::Decoder;

/// The largest event and the longest line, in bytes.
pub const EVENT_BYTES: usize = 1024 * 1024;

/// The number of chunks without an event after which the task yields, so that it cannot block the thread.
const CHUNKS_AT_ONCE: usize = 32;

/// How an event was framed.
#[derive(Default, Debug, Eq, PartialEq, Clone, Copy)]
pub enum Framing {
    /// As specified.
    #[default]
    Event,
    /// The stream ended before the blank line after the event. Its last line may be cut off.
    WithoutEnd,
    /// Lines that are no field of an event, such as `error: …`, JSON or HTML. They are the data, joined by a line feed.
    StrayLines,
}

/// An event. One without `data` and `event` stands for comments, which servers send to keep the connection open.
#[derive(Default, Debug, Eq, PartialEq, Clone)]
pub struct Event {
    /// The type; `message` if the event has none.
    pub event: String,
    /// The data; lines are joined by a line feed.
    pub data: String,
    /// The last id in the stream.
    pub id: String,
    /// The pause before a reconnect that the stream asks for.
    pub retry: Option<Duration>,
    /// How the event was framed.
    pub framing: Framing,
}

/// A stream of events failed.
#[derive(Debug, PartialEq)]
pub enum EventStreamError<E> {
    /// Never returned, because bytes that are not UTF-8 are replaced. It is part of the interface.
    Utf8(FromUtf8Error),
    /// An event is larger than [`EVENT_BYTES`].
    Parser(NomError<String>),
    /// The stream of bytes failed.
    Transport(E),
}

impl<E: fmt::Display> fmt::Display for EventStreamError<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8(error) => error.fmt(formatter),
            Self::Parser(error) => formatter.write_str(&error.input),
            Self::Transport(error) => error.fmt(formatter),
        }
    }
}

impl<E: fmt::Display + fmt::Debug> std::error::Error for EventStreamError<E> {}

/// Converts a stream of bytes into a stream of events.
pub trait Eventsource: Sized {
    /// Returns the events in these bytes.
    fn eventsource(self) -> EventStream<Self>;
}

impl<S, B, E> Eventsource for S
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    fn eventsource(self) -> EventStream<Self> {
        EventStream::new(self)
    }
}

/// A stream of events.
pub struct EventStream<S> {
    bytes: Pin<Box<S>>,
    decoder: Decoder,
    ready: VecDeque<Event>,
    is_over: bool,
}

impl<S> EventStream<S> {
    /// Reads the events in a stream of bytes.
    pub fn new(bytes: S) -> Self {
        Self { bytes: Box::pin(bytes), decoder: Decoder::default(), ready: VecDeque::new(), is_over: false }
    }

    /// Sets the id that is used until the stream contains one.
    pub fn set_last_event_id(&mut self, id: impl Into<String>) {
        self.decoder.last_id = id.into();
    }

    /// Returns the last id in the stream.
    #[must_use]
    pub fn last_event_id(&self) -> &str {
        &self.decoder.last_id
    }
}

impl<S, B, E> Stream for EventStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    type Item = Result<Event, EventStreamError<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        for _ in 0..CHUNKS_AT_ONCE {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            match ready!(this.bytes.as_mut().poll_next(context)) {
                Some(Ok(bytes)) => {
                    if this.decoder.push(bytes.as_ref(), &mut this.ready).is_err() {
                        this.is_over = true;
                        this.ready.clear();
                        let error = NomError::new("an event is too large".to_owned(), ErrorKind::TooLarge);
                        return Poll::Ready(Some(Err(EventStreamError::Parser(error))));
                    }
                }
                Some(Err(error)) => {
                    this.is_over = true;
                    return Poll::Ready(Some(Err(EventStreamError::Transport(error))));
                }
                None => {
                    this.is_over = true;
                    this.decoder.end(&mut this.ready);
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
