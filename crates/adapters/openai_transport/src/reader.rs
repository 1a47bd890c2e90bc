//! Reads the answer of one call, in a task of its own.

use std::time::Duration;

use domain::limits::REPLY_BYTES;
use futures_util::{FutureExt, StreamExt};
use openai_wire::Decoder;
use ports::{ModelError, ModelEvent};
use reqwest_eventsource::{Error, Event, EventSource};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Timeouts;
use crate::failure::{self, StreamFailure};

/// Events that arrived together, or the error that ends them.
pub(crate) type Batch = Result<Vec<ModelEvent>, ModelError>;

/// The most events of a batch.
const EVENTS_AT_ONCE: usize = 256;
/// How long the end of the body may take after the last event.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(250);

/// An answer that is being read.
pub(crate) struct Reader {
    pub(crate) events: EventSource,
    pub(crate) decoder: Box<dyn Decoder>,
    pub(crate) timeouts: Timeouts,
    pub(crate) started: Instant,
}

impl Reader {
    /// Reads until the answer ends or the caller has dropped the stream.
    pub(crate) async fn run(mut self, batches: Sender<Batch>) {
        let end = self.started + self.timeouts.total;
        let mut deadline = self.started + self.timeouts.first_event;
        let mut bytes = 0;
        loop {
            let mut batch = Vec::new();
            let arrived = timeout_at(deadline.min(end), self.events.next()).await;
            let mut read = match arrived {
                Ok(event) => self.read(event, &mut bytes, &mut batch),
                Err(_) => Err(ModelError::TimedOut),
            };
            let mut has_yielded = false;
            while read.is_ok() && !self.decoder.is_over() && batch.len() < EVENTS_AT_ONCE {
                if let Some(event) = self.events.next().now_or_never() {
                    read = self.read(event, &mut bytes, &mut batch);
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
        bytes: &mut usize,
        batch: &mut Vec<ModelEvent>,
    ) -> Result<(), ModelError> {
        match event {
            Some(Ok(Event::Open)) => Ok(()),
            Some(Ok(Event::Message(message))) => {
                *bytes += message.data.len();
                if *bytes > REPLY_BYTES {
                    return Err(StreamFailure::AnswerTooLarge.into());
                }
                self.decoder.push(&message.data, batch)
            }
            // A clean end: a body that is cut off has another error.
            Some(Err(Error::StreamEnded)) | None => self.decoder.end(batch),
            Some(Err(error)) => Err(failure::from_stream_error(error)),
        }
    }
}
