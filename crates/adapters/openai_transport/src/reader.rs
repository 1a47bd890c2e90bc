//! Reads the answer of one call: what runs in the stream's own task.

use std::time::Duration;

use domain::limits::REPLY_BYTES;
use futures_util::{FutureExt, StreamExt};
use openai_wire::Decoder;
use ports::{ModelError, ModelEvent};
use reqwest_eventsource::{Error, Event, EventSource};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout, timeout_at};

use crate::Timeouts;
use crate::failure::{self, StreamFault};

/// Events that arrived together, or the error that ends them.
pub(crate) type Batch = Result<Vec<ModelEvent>, ModelError>;

/// The most events of a provider that are handed on at once.
const EVENTS_AT_ONCE: usize = 256;
/// How long the end of a body may take after the last event.
const DRAIN_PATIENCE: Duration = Duration::from_millis(250);

/// An open answer.
pub(crate) struct Reader {
    pub(crate) events: EventSource,
    pub(crate) decoder: Box<dyn Decoder>,
    pub(crate) timeouts: Timeouts,
    pub(crate) started: Instant,
}

impl Reader {
    /// Reads to the end of the answer, or until nobody listens.
    pub(crate) async fn run(mut self, batches: Sender<Batch>) {
        let last_moment = self.started + self.timeouts.total;
        let mut patience = self.started + self.timeouts.first_event;
        let mut bytes = 0;
        loop {
            let mut batch = Vec::new();
            let arrived = timeout_at(patience.min(last_moment), self.events.next()).await;
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
                    // The connection hands over one chunk each time it runs: letting it run once is far cheaper than
                    // waking the listener for each chunk of a burst.
                    tokio::task::yield_now().await;
                    has_yielded = true;
                }
            }
            if !batch.is_empty() && batches.send(Ok(batch)).await.is_err() {
                return;
            }
            if let Err(error) = read {
                // Where nobody listens any more, nobody needs to know.
                let _unheard = batches.send(Err(error)).await;
                return;
            }
            if self.decoder.is_over() {
                self.drain().await;
                return;
            }
            patience = Instant::now() + self.timeouts.idle;
        }
    }

    /// Reads the end of the body, which comes after the last event: only then can the connection serve another call.
    async fn drain(&mut self) {
        let ended = async { while let Some(Ok(_)) = self.events.next().await {} };
        // Where it does not come, the connection is given up.
        let _late = timeout(DRAIN_PATIENCE, ended).await;
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
                    return Err(StreamFault::AnswerTooLarge.into());
                }
                self.decoder.push(&message.data, batch)
            }
            // The only clean end: of a body that is cut, the error says so.
            Some(Err(Error::StreamEnded)) | None => self.decoder.end(batch),
            Some(Err(error)) => Err(failure::of_a_stream(error)),
        }
    }
}
