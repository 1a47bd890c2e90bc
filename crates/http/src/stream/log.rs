//! The log line at the end of a stream.

use std::cell::Cell;

use actix_web::HttpRequest;
use domain::TurnId;
use tokio::time::Instant;
use tracing::Span;

use crate::error::ApiError;

/// Counts what is sent of a stream, and logs one line when the stream ends. Dropping it logs that the client left.
pub(super) struct StreamLog {
    /// The span of the request, which has ended when the stream ends.
    span: Span,
    method: String,
    route: String,
    turn: Option<TurnId>,
    started: Instant,
    events: Cell<u64>,
    bytes: Cell<usize>,
    is_written: Cell<bool>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// Everything was sent, and the turn, if there is one, was completed or stopped.
    Completed,
    /// The turn failed, or its end is not known; or what was to be sent could not be read.
    Failed,
    /// The client closed the connection.
    ClientLeft,
    /// The client did not read, and its connection was closed.
    Stalled,
}

impl StreamEnd {
    fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::ClientLeft => "client_left",
            Self::Stalled => "stalled",
        }
    }
}

impl StreamLog {
    /// Starts to count, in the span of the request. The turn is that of a stream of events.
    pub(super) fn new(request: &HttpRequest, turn: Option<TurnId>) -> Self {
        Self {
            span: Span::current(),
            method: request.method().to_string(),
            route: request.match_pattern().unwrap_or_default(),
            turn,
            started: Instant::now(),
            events: Cell::default(),
            bytes: Cell::default(),
            is_written: Cell::default(),
        }
    }

    /// Counts an event.
    pub(super) fn count_event(&self) {
        self.events.update(|events| events + 1);
    }

    /// Counts the bytes of a chunk.
    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.update(|total| total + bytes);
    }

    /// Logs why the stream is cut off.
    pub(super) fn fail(&self, error: &ApiError) {
        let Self { method, route, .. } = self;
        let _in_span = self.span.enter();
        let (code, error) = (error.code(), error.chain().map_or_else(|| error.to_string(), str::to_owned));
        tracing::error!(method, route, code, error, "{method} {route} is cut off");
    }

    /// Logs the end of the stream; a second call does nothing.
    pub(super) fn end(&self, end: StreamEnd) {
        if self.is_written.replace(true) {
            return;
        }
        let Self { method, route, turn, events, bytes, .. } = self;
        let turn = turn.map(tracing::field::display);
        let (events, bytes, end) = (events.get(), bytes.get(), end.as_str());
        let stream_ms = self.started.elapsed().as_secs_f64() * 1e3;
        let _in_span = self.span.enter();
        tracing::info!(
            method,
            route,
            turn.id = turn,
            stream.end = end,
            events,
            bytes,
            stream_ms,
            "{method} {route} stream ended: {end}"
        );
    }
}

impl Drop for StreamLog {
    fn drop(&mut self) {
        self.end(StreamEnd::ClientLeft);
    }
}
