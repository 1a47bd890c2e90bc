//! Opens and closes turns for all callers of the process, many in one statement and one commit.
//!
//! A few workers have a connection each. All turns of one conversation go through one worker, in order. A worker takes
//! the operations that wait for it together: one statement for all of a kind.

mod compensate;
mod job;
pub(crate) mod op;
mod worker;

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::error::DbError;
use crate::health::Probe;
use crate::options::PostgresOptions;
use crate::session::Session;
use job::Job;
use op::{BatchOp, Completion, Pending, closed};
use worker::BatchWorker;

/// More workers did not write more: two keep the database busy while one waits for its disk.
const WORKERS: usize = 2;
/// The most operations that wait for a worker. With more, the database is too slow for the load.
const QUEUE: usize = 4096;

/// The queues of the workers. These end when the last clone of this is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queues: Arc<[mpsc::Sender<Job>]>,
}

impl Writer {
    pub(crate) fn start(session: &Session, options: PostgresOptions, probe: &Arc<Probe>) -> Self {
        let session = session.with([
            // Otherwise each size of a batch would be planned separately, which takes longer than to run it.
            ("plan_cache_mode", "force_generic_plan"),
            // All rows that workers read are found by a key. A plan that was made while a table was small must not
            // scan the table when it has grown.
            ("enable_seqscan", "off"),
        ]);
        let start = |_| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            let worker = BatchWorker::new(session.clone(), options, Arc::clone(probe), sender.downgrade());
            #[expect(
                clippy::disallowed_methods,
                reason = "a worker ends by itself when the store is dropped or closed"
            )]
            tokio::spawn(worker.run(receiver));
            sender
        };
        Self { queues: (0..WORKERS).map(start).collect() }
    }

    /// Executes an operation. Once this is polled, the operation is in its worker's queue, and dropping the future does
    /// not take it out.
    pub(crate) async fn submit<O: BatchOp>(&self, op: Arc<O>) -> Result<Completion<O>, DbError>
    where
        Job: From<Pending<O>>,
    {
        let (reply, waiting) = oneshot::channel();
        let queue = self.queue_of(op.conversation()).ok_or_else(closed)?;
        queue.try_send(Pending::new(op, reply).into()).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                DbError::unavailable("too many calls wait for the database")
            }
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        waiting.await.map_err(|_| closed())?
    }

    /// Waits until everything that was submitted is done. Later operations are refused.
    pub(crate) async fn close(&self) {
        for queue in self.queues.iter() {
            let (done, waiting) = oneshot::channel();
            if queue.send(Job::Close(done)).await.is_ok() {
                let _ = waiting.await;
            }
        }
    }

    fn queue_of(&self, conversation: Uuid) -> Option<&mpsc::Sender<Job>> {
        // The last bytes of an id are random.
        let [.., last] = conversation.into_bytes();
        self.queues.get(usize::from(last) % self.queues.len().max(1))
    }
}
