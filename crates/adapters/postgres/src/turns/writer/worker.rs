//! A worker: one connection that writes batches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::compensate;
use super::job::Job;
use super::op::{BatchOp, Completion, Diagnosis, Pending, closed};
use crate::error::{DbError, is_conflict, is_surprising};
use crate::health::Probe;
use crate::options::PostgresOptions;
use crate::session::Session;

/// The most operations in one batch.
const BATCH: usize = 64;
/// No operation is added to a batch that has this many bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// A batch with more bytes, such as one with an image, leaves no buffer of its size with the connection.
const LARGE_BYTES: usize = 1024 * 1024;
/// How often a statement is tried that loses a deadlock.
const TRIES: u32 = 4;
/// How often an operation is tried again whose row is locked.
const LOCK_RETRIES: u32 = 9;
/// The pause before the first of these. Each further pause is twice as long; together they take about a second.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// A connection that was used within this time counts as alive.
const FRESH: Duration = Duration::from_secs(1);
/// What the network may add to the statement's own timeout.
const NETWORK: Duration = Duration::from_secs(1);

/// A worker with its connection.
pub(super) struct BatchWorker {
    session: Session,
    options: PostgresOptions,
    probe: Arc<Probe>,
    connection: Option<PgConnection>,
    connected: Instant,
    used: Instant,
    /// Its own queue, for operations that are tried again.
    queue: mpsc::WeakSender<Job>,
    /// When and why connecting failed last.
    connect_error: Option<(Instant, DbError)>,
}

/// Why a batch failed.
struct BatchError {
    error: DbError,
    /// Whether the database may have executed it all the same.
    was_sent: bool,
}

/// The replies to the operations of a batch, by turn.
type Replies<O> = HashMap<Uuid, Result<BatchReply<O>, DbError>>;

enum BatchReply<O: BatchOp> {
    Completed(Completion<O>),
    /// The row was locked.
    Locked,
}

impl BatchWorker {
    pub(super) fn new(
        session: Session,
        options: PostgresOptions,
        probe: Arc<Probe>,
        queue: mpsc::WeakSender<Job>,
    ) -> Self {
        let now = Instant::now();
        Self {
            session,
            options,
            probe,
            connection: None,
            connected: now,
            used: now,
            queue,
            connect_error: None,
        }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut closing = Vec::new();
        while jobs.recv_many(&mut batch, BATCH).await > 0 {
            let (mut finishes, mut opens, mut begins) = (Vec::new(), Vec::new(), Vec::new());
            for job in batch.drain(..) {
                match job {
                    Job::Begin(pending) => begins.push(pending),
                    Job::Open(pending) => opens.push(pending),
                    Job::Finish(pending) => finishes.push(pending),
                    Job::Close(done) => closing.push(done),
                }
            }
            // Finishes come first, so that a begin in the same conversation finds it free.
            self.execute(finishes).await;
            self.execute(opens).await;
            self.execute(begins).await;
            if !closing.is_empty() {
                // Nothing more is accepted, and what is in the queue is still done.
                jobs.close();
            }
        }
        if let Some(connection) = self.connection.take() {
            let _ = tokio::time::timeout(NETWORK, connection.close()).await;
        }
        for done in closing {
            let _ = done.send(());
        }
    }

    async fn execute<O: BatchOp>(&mut self, mut waiting: Vec<Pending<O>>)
    where
        Job: From<Pending<O>>,
    {
        waiting.retain(Pending::is_wanted);
        while !waiting.is_empty() {
            let mut turns = HashSet::with_capacity(waiting.len());
            let mut bytes = 0;
            let (batch, rest) = waiting.into_iter().partition(|pending| {
                let has_room = bytes < BATCH_BYTES;
                bytes += pending.op.bytes();
                // A statement must not have the same turn twice.
                has_room && turns.insert(pending.op.turn())
            });
            self.execute_batch(batch).await;
            waiting = rest;
        }
    }

    async fn execute_batch<O: BatchOp>(&mut self, batch: Vec<Pending<O>>)
    where
        Job: From<Pending<O>>,
    {
        match self.attempt(&batch).await {
            Ok(replies) => self.answer(batch, replies),
            // One of the operations is at fault. The others must not fail with it.
            Err(failure) if batch.len() > 1 && failure.error.is_refused() => {
                for pending in batch {
                    let single = vec![pending];
                    match self.attempt(&single).await {
                        Ok(replies) => self.answer(single, replies),
                        Err(failure) => self.fail(single, &failure),
                    }
                }
            }
            Err(failure) => self.fail(batch, &failure),
        }
    }

    async fn attempt<O: BatchOp>(&mut self, batch: &[Pending<O>]) -> Result<Replies<O>, BatchError> {
        // Operations that waited while connecting failed need not wait for another try.
        if let Some((at, error)) = &self.connect_error
            && batch.iter().all(|pending| pending.since < *at)
        {
            return Err(BatchError { error: error.duplicate().into(), was_sent: false });
        }
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(error) => {
                self.connect_error = Some((Instant::now(), error.duplicate().into()));
                return Err(BatchError { error, was_sent: false });
            }
        };
        self.connect_error = None;
        let ops: Vec<&O> = batch.iter().map(|pending| pending.op.as_ref()).collect();
        let is_large = ops.iter().map(|op| op.bytes()).sum::<usize>() > LARGE_BYTES;
        let outputs = match self.bounded(execute_or_retry(&mut connection, &ops)).await {
            Ok(outputs) => outputs,
            Err(error) => {
                self.keep_unless_broken(connection, &error);
                return Err(BatchError { error, was_sent: true });
            }
        };
        if is_large {
            connection.shrink_buffers();
        }
        let completed = |output| BatchReply::Completed(Ok(output));
        let mut replies: Replies<O> =
            outputs.into_iter().map(|(turn, output)| (turn, output.map(completed))).collect();
        let left_out: Vec<&O> = ops.into_iter().filter(|op| !replies.contains_key(&op.turn())).collect();
        if left_out.is_empty() {
            self.keep(connection);
            return Ok(replies);
        }
        match self.bounded(O::diagnose(&mut connection, &left_out)).await {
            Ok(mut diagnoses) => {
                self.keep(connection);
                for op in left_out {
                    let refused = |refusal| BatchReply::Completed(Err(refusal));
                    let reply = match diagnoses.remove(&op.turn()) {
                        Some(Diagnosis::Locked) => Ok(BatchReply::Locked),
                        Some(Diagnosis::Refused(refusal)) => Ok(refused(refusal)),
                        None => O::unknown().map(refused),
                    };
                    replies.insert(op.turn(), reply);
                }
            }
            // They were not executed; nothing more is known of them.
            Err(error) => {
                for op in left_out {
                    replies.insert(op.turn(), Err(error.duplicate().into()));
                }
                self.keep_unless_broken(connection, &error);
            }
        }
        Ok(replies)
    }

    fn answer<O: BatchOp>(&self, batch: Vec<Pending<O>>, mut replies: Replies<O>)
    where
        Job: From<Pending<O>>,
    {
        for mut pending in batch {
            match replies.remove(&pending.op.turn()) {
                Some(Ok(BatchReply::Completed(completion))) => pending.answer(Ok(completion)),
                Some(Ok(BatchReply::Locked)) if pending.lock_retries < LOCK_RETRIES => {
                    pending.lock_retries += 1;
                    self.try_later(pending);
                }
                Some(Ok(BatchReply::Locked)) => pending.answer(O::contended().map(Err)),
                Some(Err(error)) => {
                    self.compensate(pending.op.as_ref());
                    pending.answer(Err(error));
                }
                None => pending.answer(Err(closed())),
            }
        }
    }

    fn fail<O: BatchOp>(&self, batch: Vec<Pending<O>>, failure: &BatchError) {
        for pending in batch {
            if failure.was_sent && !failure.error.is_refused() {
                self.compensate(pending.op.as_ref());
            }
            pending.answer(Err(failure.error.duplicate().into()));
        }
    }

    /// Puts an operation into the queue again, after a pause, whether or not its caller still waits.
    fn try_later<O: BatchOp>(&self, pending: Pending<O>)
    where
        Job: From<Pending<O>>,
    {
        let queue = self.queue.clone();
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(pending.lock_retries.saturating_sub(1));
        #[expect(clippy::disallowed_methods, reason = "a pause of a fraction of a second")]
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let Some(queue) = queue.upgrade() else { return pending.answer(Err(closed())) };
            // Where the queue is closed, the operation is dropped, and its caller learns that the store is closed.
            let _ = queue.send(pending.into()).await;
        });
    }

    /// Makes sure that no turn stays open that its caller does not know of.
    fn compensate<O: BatchOp>(&self, op: &O) {
        if let Some(finish) = op.compensation() {
            compensate::start(self.queue.clone(), finish.into());
        }
    }

    /// The worker's connection, or a new one.
    async fn connection(&mut self) -> Result<PgConnection, DbError> {
        self.probe.admit().await?;
        if let Some(mut connection) = self.connection.take()
            && self.probe.trusts(self.connected.elapsed())
        {
            if self.used.elapsed() < FRESH {
                return Ok(connection);
            }
            // It may have been cut while it was idle.
            let ping = tokio::time::timeout(self.options.acquire_timeout, connection.ping()).await;
            if matches!(ping, Ok(Ok(()))) {
                return Ok(connection);
            }
        }
        match tokio::time::timeout(self.options.acquire_timeout, self.session.connect()).await {
            Ok(connected) => {
                self.connected = Instant::now();
                Ok(connected?)
            }
            Err(_) => Err(DbError::timed_out(self.options.acquire_timeout)),
        }
    }

    fn keep(&mut self, connection: PgConnection) {
        self.connection = Some(connection);
        self.used = Instant::now();
    }

    /// After some errors it is hard to tell whether a connection can be used again; a new one costs little.
    fn keep_unless_broken(&mut self, connection: PgConnection, error: &DbError) {
        if !error.is_unavailable() {
            self.keep(connection);
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
        let patience = self.options.statement_timeout + NETWORK;
        match tokio::time::timeout(patience, work).await {
            Ok(result) => {
                if result.as_ref().is_err_and(is_surprising) {
                    self.probe.doubt();
                }
                Ok(result?)
            }
            Err(_) => Err(DbError::timed_out(patience)),
        }
    }
}

async fn execute_or_retry<O: BatchOp>(
    connection: &mut PgConnection,
    batch: &[&O],
) -> Result<HashMap<Uuid, Result<O::Output, DbError>>, sqlx::Error> {
    for attempt in 1..TRIES {
        match O::execute(connection, batch).await {
            Err(error) if is_conflict(&error) => tokio::time::sleep(FIRST_PAUSE * attempt).await,
            result => return result,
        }
    }
    O::execute(connection, batch).await
}
