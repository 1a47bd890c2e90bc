//! The stream of events that a caller reads.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_util::{FutureExt, Stream};
use ports::{ModelError, ModelEvent, ModelStream};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

use crate::failure::StreamFailure;
use crate::reader::{Batch, Reader};

/// The most batches that wait for the caller.
const BATCHES: usize = 256;

/// Reads an answer in a task of its own.
pub(crate) fn spawn(reader: Reader) -> ModelStream {
    let (sender, batches) = channel(BATCHES);
    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends with its stream, which belongs to a turn that a shutdown waits for"
    )]
    let task = tokio::spawn(reader.run(sender));
    Box::pin(ProviderResponse { task, batches, batch: Vec::new().into_iter(), is_over: false })
}

struct ProviderResponse {
    task: JoinHandle<()>,
    batches: Receiver<Batch>,
    batch: vec::IntoIter<ModelEvent>,
    is_over: bool,
}

impl Stream for ProviderResponse {
    type Item = Result<ModelEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        loop {
            if let Some(event) = self.batch.next() {
                self.is_over = matches!(event, ModelEvent::Finished { .. });
                return Poll::Ready(Some(Ok(event)));
            }
            match ready!(self.batches.poll_recv(context)) {
                Some(Ok(batch)) => self.batch = batch.into_iter(),
                Some(Err(error)) => {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let ended = ready!(self.task.poll_unpin(context));
                    self.is_over = true;
                    let error =
                        if ended.is_err() { StreamFailure::Reader.into() } else { ModelError::Truncated };
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl Drop for ProviderResponse {
    fn drop(&mut self) {
        // After the end, the task only releases the connection, and then ends.
        if !self.is_over {
            self.task.abort();
        }
    }
}
