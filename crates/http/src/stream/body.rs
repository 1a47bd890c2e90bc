//! The body of a streamed response. Dropping it stops listening to the turn; the turn goes on.

use std::rc::Rc;
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

use super::chunks::{Chunks, CutOff};
use super::encoder::{BodyEnd, Encoder};
use super::log::{StreamEnd, StreamLog};
use super::stall::StallGuard;
use crate::HttpSettings;

/// About how many bytes one chunk has at most, so that a long reply is not copied as a whole.
const CHUNK_BYTES: usize = 32 * 1024;

const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Responds with the events of a turn.
pub(crate) fn respond<E: Encoder>(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    listener: Listener,
    encoder: E,
) -> HttpResponse {
    let Some(settings) = request.app_data::<Data<HttpSettings>>() else {
        return HttpResponse::InternalServerError().finish();
    };
    let log = Rc::new(StreamLog::new(request, Some(listener.turn())));
    let chunks = chunks(listener, encoder, settings, Rc::clone(&log));
    response
        .insert_header((CONTENT_TYPE, E::CONTENT_TYPE))
        // A compressing server or proxy would hold events back.
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")))
        .insert_header((CONTENT_ENCODING, HeaderValue::from_static("identity")))
        .insert_header((BUFFERING, HeaderValue::from_static("no")))
        .streaming(StallGuard::new(chunks, settings.stall_limit, request, log))
}

fn chunks(listener: Listener, encoder: impl Encoder, settings: &HttpSettings, log: Rc<StreamLog>) -> Chunks {
    let period = settings.heartbeat.max(Duration::from_millis(1));
    let mut heartbeat = interval_at(Instant::now() + period, period);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let state =
        State { listener, encoder, heartbeat, pending: PendingEvents::default(), phase: Phase::Events, log };
    Box::pin(stream::unfold(state, State::next))
}

struct State<E> {
    listener: Listener,
    encoder: E,
    heartbeat: Interval,
    pending: PendingEvents,
    phase: Phase,
    log: Rc<StreamLog>,
}

/// Events that are read but not yet written, and the number of the first of them.
#[derive(Default)]
struct PendingEvents {
    next: usize,
    events: IntoIter<TurnEvent>,
}

enum Phase {
    /// Events are written.
    Events,
    /// The body is about to be cut off.
    CuttingOff,
    /// Everything is written.
    Over(StreamEnd),
}

impl<E: Encoder> State<E> {
    async fn next(mut self) -> Option<(Result<Bytes, CutOff>, Self)> {
        let mut out = BytesMut::new();
        loop {
            match self.phase {
                Phase::Events => self.fill(&mut out).await,
                Phase::CuttingOff => {
                    // Lets the server write the text before the cut: what is still in its buffer then is lost.
                    tokio::task::yield_now().await;
                    self.log.end(StreamEnd::Failed);
                    self.phase = Phase::Over(StreamEnd::Failed);
                    return Some((Err(CutOff), self));
                }
                Phase::Over(end) => {
                    self.log.end(end);
                    return None;
                }
            }
            if !out.is_empty() {
                self.heartbeat.reset();
                self.log.count_bytes(out.len());
                return Some((Ok(out.freeze()), self));
            }
        }
    }

    /// Waits for events or for the time of a heartbeat, and writes what there is.
    async fn fill(&mut self, out: &mut BytesMut) {
        if self.pending.is_empty() {
            tokio::select! {
                biased;
                batch = self.listener.next() => match batch {
                    Some(batch) => self.pending = batch.into(),
                    None => return self.end(out),
                },
                _ = self.heartbeat.tick() => {
                    out.extend_from_slice(self.encoder.heartbeat().unwrap_or_default());
                    return;
                }
            }
            // Gives the turn's task time to add more events: a write to the socket costs more than all the rest.
            if !self.pending.hold_the_end() {
                tokio::task::yield_now().await;
            }
        }
        self.write(out);
        if out.len() < CHUNK_BYTES
            && let Some(batch) = self.listener.ready()
        {
            self.pending = batch.into();
            self.write(out);
        }
    }

    /// Writes pending events, up to the size of a chunk.
    fn write(&mut self, out: &mut BytesMut) {
        while out.len() < CHUNK_BYTES
            && let Some(event) = self.pending.events.next()
        {
            self.encoder.encode(self.pending.next, &event, out);
            self.pending.next += 1;
            self.log.count_event();
            if matches!(event, TurnEvent::Ended(_)) {
                self.end(out);
            }
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        let outcome = self.listener.outcome();
        let is_failed = outcome.as_ref().is_none_or(|outcome| outcome.failure().is_some());
        self.phase = match self.encoder.end(outcome.as_ref(), out) {
            BodyEnd::Complete if is_failed => Phase::Over(StreamEnd::Failed),
            BodyEnd::Complete => Phase::Over(StreamEnd::Completed),
            BodyEnd::CutOff => Phase::CuttingOff,
        };
    }
}

impl PendingEvents {
    fn is_empty(&self) -> bool {
        self.events.as_slice().is_empty()
    }

    fn hold_the_end(&self) -> bool {
        matches!(self.events.as_slice().last(), Some(TurnEvent::Ended(_)))
    }
}

impl From<(usize, Vec<TurnEvent>)> for PendingEvents {
    fn from((next, events): (usize, Vec<TurnEvent>)) -> Self {
        Self { next, events: events.into_iter() }
    }
}
