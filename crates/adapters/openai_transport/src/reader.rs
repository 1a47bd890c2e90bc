//! Reads the answer of one call, in a task of its own.

use std::time::Duration;

use domain::limits::REPLY_BYTES;
use eventsource_stream::{Event, Framing};
use futures_util::{FutureExt, StreamExt};
use openai_wire::{Decoder, Redaction, from_json_body, from_stray_text};
use ports::{ModelError, ModelEvent};
use reqwest_eventsource::Error;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Timeouts;
use crate::event_name::{EventMeaning, is_done, meaning, without_field_name};
use crate::failure::{self, StreamFailure};
use crate::opening::Events;
use crate::stray_text::{Finding, StrayText, is_json, objects};

/// Events that arrived together, or the error that ends them.
pub(crate) type Batch = Result<Vec<ModelEvent>, ModelError>;

/// The most events of a batch.
const EVENTS_AT_ONCE: usize = 256;
/// How long the end of the body may take after the last event.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// An answer that is being read.
pub(crate) struct Reader {
    events: Events,
    decoder: Box<dyn Decoder>,
    timeouts: Timeouts,
    started: Instant,
    redaction: Redaction,
    stray: StrayText,
    /// The bytes of all events so far.
    bytes: usize,
}

impl Reader {
    pub(crate) fn new(
        events: Events,
        decoder: Box<dyn Decoder>,
        timeouts: Timeouts,
        started: Instant,
        redaction: Redaction,
    ) -> Self {
        Self { events, decoder, timeouts, started, redaction, stray: StrayText::default(), bytes: 0 }
    }

    /// Reads until the answer ends or the caller has dropped the stream.
    pub(crate) async fn run(mut self, batches: Sender<Batch>) {
        let end = self.started + self.timeouts.total;
        let mut deadline = self.started + self.timeouts.first_event;
        loop {
            let mut batch = Vec::new();
            let arrived = timeout_at(deadline.min(end), self.events.next()).await;
            let mut read = match arrived {
                Ok(event) => self.read(event, &mut batch),
                Err(_) => Err(ModelError::TimedOut),
            };
            let mut has_yielded = false;
            while read.is_ok() && !self.decoder.is_over() && batch.len() < EVENTS_AT_ONCE {
                if let Some(event) = self.events.next().now_or_never() {
                    read = self.read(event, &mut batch);
                    has_yielded = false;
                } else if has_yielded {
                    break;
                } else {
                    // The task of the connection passes on one chunk each time it runs. Letting it run once is far cheaper
                    // than waking the caller for each chunk of a burst.
                    tokio::task::yield_now().await;
                    has_yielded = true;
                }
            }
            if !batch.is_empty() && batches.send(Ok(batch)).await.is_err() {
                return;
            }
            if let Err(error) = read {
                // If the caller has dropped the stream, the error is not needed.
                let _dropped = batches.send(Err(error)).await;
                return;
            }
            if self.decoder.is_over() {
                self.drain().await;
                return;
            }
            deadline = Instant::now() + self.timeouts.idle;
        }
    }

    /// Reads the end of the body after the last event. Only then can the connection be used for another call.
    async fn drain(&mut self) {
        let ended = async { while let Some(Ok(_)) = self.events.next().await {} };
        // If it does not arrive in time, the connection is closed.
        let _late = timeout(DRAIN_TIMEOUT, ended).await;
    }

    fn read(
        &mut self,
        event: Option<Result<Event, Error>>,
        batch: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        match event {
            Some(Ok(event)) => {
                self.bytes += event.data.len();
                if self.bytes > REPLY_BYTES {
                    return Err(StreamFailure::AnswerTooLarge.into());
                }
                self.read_event(&event, batch)
            }
            // A clean end: a body that is cut off has another error.
            None => self.end(batch),
            Some(Err(error)) => {
                self.read_unfinished(batch)?;
                Err(self.with_words(failure::from_stream_error(error)))
            }
        }
    }

    fn read_event(&mut self, event: &Event, batch: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        if event.framing == Framing::StrayLines {
            return event.data.lines().try_for_each(|line| {
                if is_done(line.trim()) {
                    return self.decoder.push(line, batch);
                }
                match self.stray.push(line) {
                    Some(finding) => self.read_finding(&finding, batch),
                    None => Ok(()),
                }
            });
        }
        let data = without_field_name(event.data.trim());
        if !data.is_empty()
            && let Some(finding) = self.stray.end(self.decoder.began())
        {
            self.read_finding(&finding, batch)?;
        }
        match meaning(&event.event, data) {
            EventMeaning::Answer => self.read_answer(data, event.framing, batch),
            EventMeaning::Error => {
                // The decoder may know more about an error as an object.
                if data.starts_with('{') && is_json(data) {
                    self.decoder.push(data, batch)?;
                }
                Err(from_stray_text(data, self.decoder.began(), &self.redaction))
            }
            EventMeaning::Nothing => Ok(()),
        }
    }

    fn read_answer(
        &mut self,
        data: &str,
        framing: Framing,
        batch: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        let is_dense = data.lines().next().is_some_and(|first| first.len() < data.len() && is_json(first));
        if is_dense && !is_json(data) {
            // The server leaves out the blank lines between its events.
            return data
                .lines()
                .try_for_each(|line| self.read_answer(without_field_name(line.trim()), framing, batch));
        }
        let is_cut_off = framing == Framing::WithoutEnd;
        let is_known = data.is_empty() || is_done(data) || (data.starts_with('{') && !is_cut_off);
        if is_known || is_json(data) {
            return self.decoder.push(data, batch);
        }
        if is_cut_off {
            // It is no part of the answer, which is then not complete.
            return Ok(());
        }
        // No answer consists of plain words.
        Err(from_stray_text(data, self.decoder.began(), &self.redaction))
    }

    fn read_finding(&mut self, finding: &Finding, batch: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match finding {
            Finding::Json(json) => {
                let before = batch.len();
                for object in objects(json) {
                    self.decoder.push(&object, batch)?;
                }
                // Text of the answer must not be in the log.
                if batch.len() == before && !self.decoder.began() {
                    self.stray.keep(json);
                }
                Ok(())
            }
            Finding::Error(words) => Err(from_stray_text(words, self.decoder.began(), &self.redaction)),
        }
    }

    /// Ends the answer at a clean end of the body.
    fn end(&mut self, batch: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        self.read_unfinished(batch)?;
        self.decoder.end(batch).map_err(|error| self.with_words(error))
    }

    fn read_unfinished(&mut self, batch: &mut Vec<ModelEvent>) -> Result<(), ModelError> {
        match self.stray.end(self.decoder.began()) {
            Some(finding) => self.read_finding(&finding, batch),
            None => Ok(()),
        }
    }

    /// If the answer was broken off, stray words say best why.
    fn with_words(&self, error: ModelError) -> ModelError {
        match (error, self.stray.words()) {
            (ModelError::Truncated, Some(words)) if self.decoder.began() => {
                from_stray_text(words, true, &self.redaction)
            }
            (ModelError::Truncated, Some(words)) => from_json_body(words, &self.redaction),
            (error, _) => error,
        }
    }
}
