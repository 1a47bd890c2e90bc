//! The body of a streamed answer. Dropping it drops a listener, never a turn.

use std::time::Duration;
use std::vec::IntoIter;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::{Bytes, BytesMut};
use domain::TurnEvent;
use futures_util::stream;
use services::Listener;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::encoder::{Encoder, Finish};
use super::piece::{Cut, Pieces};
use super::stall::StallGuard;
use crate::HttpSettings;

/// About as many bytes are handed over at once; a long replay does not stand in memory twice.
const PIECE_BYTES: usize = 32 * 1024;

const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Answers with server-sent events.
pub(crate) fn as_events(
    request: &HttpRequest,
    answer: HttpResponseBuilder,
    listener: Listener,
    encoder: impl Encoder,
) -> HttpResponse {
    respond(request, answer, EVENT_STREAM, listener, encoder)
}

/// Answers with plain text.
pub(crate) fn as_text(
    request: &HttpRequest,
    answer: HttpResponseBuilder,
    listener: Listener,
    encoder: impl Encoder,
) -> HttpResponse {
    respond(request, answer, PLAIN_TEXT, listener, encoder)
}

fn respond(
    request: &HttpRequest,
    mut answer: HttpResponseBuilder,
    content_type: HeaderValue,
    listener: Listener,
    encoder: impl Encoder,
) -> HttpResponse {
    let Some(settings) = request.app_data::<Data<HttpSettings>>() else {
        return HttpResponse::InternalServerError().finish();
    };
    let pieces = pieces(listener, encoder, settings);
    answer
        .insert_header((CONTENT_TYPE, content_type))
        // A compressor or a proxy in between would hold events back.
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")))
        .insert_header((CONTENT_ENCODING, HeaderValue::from_static("identity")))
        .insert_header((BUFFERING, HeaderValue::from_static("no")))
        .streaming(StallGuard::new(pieces, settings.stall_limit, request))
}

fn pieces(listener: Listener, encoder: impl Encoder, settings: &HttpSettings) -> Pieces {
    let period = settings.heartbeat.max(Duration::from_millis(1));
    let mut heartbeat = interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let state = State { listener, encoder, heartbeat, waiting: Numbered::default(), phase: Phase::Events };
    Box::pin(stream::unfold(state, State::next))
}

struct State<E> {
    listener: Listener,
    encoder: E,
    heartbeat: Interval,
    waiting: Numbered,
    phase: Phase,
}

/// Events that are read and not yet written, with the number of the next one.
#[derive(Default)]
struct Numbered {
    next: usize,
    events: IntoIter<TurnEvent>,
}

enum Phase {
    Events,
    Cutting,
    Over,
}

impl<E: Encoder> State<E> {
    async fn next(mut self) -> Option<(Result<Bytes, Cut>, Self)> {
        let mut out = BytesMut::new();
        loop {
            match self.phase {
                Phase::Events => self.fill(&mut out).await,
                Phase::Cutting => {
                    // The text before it is written out first: what is still in the server's buffer is lost.
                    tokio::task::yield_now().await;
                    self.phase = Phase::Over;
                    return Some((Err(Cut), self));
                }
                Phase::Over => return None,
            }
            if !out.is_empty() {
                self.heartbeat.reset();
                return Some((Ok(out.freeze()), self));
            }
        }
    }

    /// Waits for events, or for the time of a heartbeat, and writes what there is.
    async fn fill(&mut self, out: &mut BytesMut) {
        if self.waiting.is_empty() {
            tokio::select! {
                biased;
                batch = self.listener.next() => match batch {
                    Some(batch) => self.waiting = batch.into(),
                    None => return self.end(out),
                },
                _ = self.heartbeat.tick() => {
                    out.extend_from_slice(self.encoder.heartbeat().unwrap_or_default());
                    return;
                }
            }
            // Lets the turn's task hand over what else it has: a write to the socket costs more than all the rest.
            if !self.waiting.hold_the_end() {
                tokio::task::yield_now().await;
            }
        }
        self.write(out);
        if out.len() < PIECE_BYTES
            && let Some(batch) = self.listener.ready()
        {
            self.waiting = batch.into();
            self.write(out);
        }
    }

    /// Writes waiting events, up to the size of a piece.
    fn write(&mut self, out: &mut BytesMut) {
        while out.len() < PIECE_BYTES
            && let Some(event) = self.waiting.events.next()
        {
            self.encoder.encode(self.waiting.next, &event, out);
            self.waiting.next += 1;
            if matches!(event, TurnEvent::Ended(_)) {
                self.end(out);
            }
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        let outcome = self.listener.outcome();
        self.phase = match self.encoder.end(outcome.as_ref(), out) {
            Finish::Whole => Phase::Over,
            Finish::Cut => Phase::Cutting,
        };
    }
}

impl Numbered {
    fn is_empty(&self) -> bool {
        self.events.as_slice().is_empty()
    }

    fn hold_the_end(&self) -> bool {
        matches!(self.events.as_slice().last(), Some(TurnEvent::Ended(_)))
    }
}

impl From<(usize, Vec<TurnEvent>)> for Numbered {
    fn from((next, events): (usize, Vec<TurnEvent>)) -> Self {
        Self { next, events: events.into_iter() }
    }
}
