//! The one writer: it owns the connection that writes, and commits all waiting writes together.
//!
//! A commit costs an fsync, however many writes it holds. So callers put their requests into a queue; the writer takes
//! all that wait, runs them in one transaction, and answers each after the commit: what is acknowledged is on the disk.
//! A group that fails is rolled back and its requests are tried one by one, so that only the bad one fails. A caller
//! that is gone changes nothing: its write is made all the same.

pub(crate) mod request;
mod source;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use ports::{BeginError, Finished};
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{DbError, is_failed_sync};
use crate::turns::begin::{self, OpenedTurn, PreparedBegin};
use crate::turns::finish::{self, PreparedFinish};
use request::{AnyWrite, Job, Request};
pub(crate) use source::Source;

/// The most requests in one commit.
const GROUP: usize = 256;
/// The most requests that wait; further callers wait until there is room.
const QUEUE: usize = 1024;

/// The callers' side of the queue.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    failed_sync: Arc<AtomicBool>,
}

impl Writer {
    /// Starts a writer. It ends when it is closed, or when the last clone of this is dropped.
    pub(crate) fn start(source: Source) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let failed_sync = Arc::new(AtomicBool::new(false));
        let task = WriterTask { source, failed_sync: Arc::clone(&failed_sync) };
        #[expect(
            clippy::disallowed_methods,
            reason = "the writer outlives all tasks that shutdown waits for; `close` waits for it"
        )]
        tokio::spawn(task.run(queue));
        Self { jobs, failed_sync }
    }

    /// Opens a turn.
    pub(crate) async fn begin(&self, begin: PreparedBegin) -> Result<OpenedTurn, BeginError> {
        self.ask(begin, |request| Job::Begin(Box::new(request))).await?
    }

    /// Closes a turn.
    pub(crate) async fn finish(&self, finish: PreparedFinish) -> Result<Finished, DbError> {
        self.ask(finish, |request| Job::Finish(Box::new(request))).await?
    }

    /// Makes any other write. It may be called again, after a rollback.
    pub(crate) async fn write<T, W>(&self, write: W) -> Result<T, DbError>
    where
        T: Send + 'static,
        W: Fn(&mut SqliteConnection) -> BoxFuture<'_, Result<T, DbError>> + Send + 'static,
    {
        self.ask(write, |request| Job::Write(Box::new(request))).await
    }

    /// Fails where the writer has ended, or an fsync has failed.
    pub(crate) fn check(&self) -> Result<(), DbError> {
        if self.failed_sync.load(Ordering::Acquire) {
            return Err(sync_has_failed());
        }
        if self.jobs.is_closed() { Err(ended()) } else { Ok(()) }
    }

    /// Makes the writes that wait, then ends.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error says that it has ended already.
            let _ = closed.await;
        }
    }

    async fn ask<Input, Output>(
        &self,
        input: Input,
        job: impl FnOnce(Request<Input, Output>) -> Job + Send,
    ) -> Result<Output, DbError> {
        let (request, output) = Request::new(input);
        self.jobs.send(job(request)).await.map_err(|_| ended())?;
        output.await.map_err(|_| ended())?
    }
}

fn ended() -> DbError {
    DbError::unavailable("the writer has ended")
}

fn sync_has_failed() -> DbError {
    DbError::unavailable("the disk has failed to keep a commit; the process must start anew")
}

/// Why a group was not committed.
enum CommitError {
    /// One of its requests failed; others may succeed without it.
    Request(DbError),
    /// The database cannot be written now.
    Database(DbError),
}

/// The writer's side of the queue.
pub(crate) struct WriterTask {
    pub(crate) source: Source,
    pub(crate) failed_sync: Arc<AtomicBool>,
}

impl WriterTask {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(GROUP);
        let mut closers = Vec::new();
        while queue.recv_many(&mut waiting, GROUP).await > 0 {
            let mut group = Vec::with_capacity(waiting.len());
            for job in waiting.drain(..) {
                match job {
                    Job::Close(done) => {
                        queue.close();
                        closers.push(done);
                    }
                    Job::Begin(_) | Job::Finish(_) | Job::Write(_) => group.push(job),
                }
            }
            if !group.is_empty() {
                self.commit(group).await;
            }
        }
        self.source.close().await;
        for done in closers {
            // The caller may be gone.
            let _ = done.send(());
        }
    }

    /// Makes all writes of a group, or as many as can be made, and answers each.
    pub(crate) async fn commit(&mut self, mut group: Vec<Job>) {
        match self.attempt(&mut group).await {
            Ok(()) => {
                for job in group {
                    job.answer(Ok(()));
                }
            }
            Err(CommitError::Request(error)) if group.len() > 1 => {
                tracing::debug!(?error, writes = group.len(), "a group of writes is made one by one");
                self.commit_singly(group).await;
            }
            Err(CommitError::Request(error) | CommitError::Database(error)) => {
                for job in group {
                    job.answer(Err(error.duplicate().into()));
                }
            }
        }
    }

    async fn commit_singly(&mut self, group: Vec<Job>) {
        let mut unavailable: Option<DbError> = None;
        for job in group {
            if let Some(error) = &unavailable {
                job.answer(Err(error.duplicate().into()));
                continue;
            }
            let mut alone = [job];
            let result = self.attempt(&mut alone).await;
            let [job] = alone;
            match result {
                Ok(()) => job.answer(Ok(())),
                Err(CommitError::Request(error)) => job.answer(Err(error)),
                Err(CommitError::Database(error)) => {
                    job.answer(Err(error.duplicate().into()));
                    unavailable = Some(error);
                }
            }
        }
    }

    /// Makes all writes of a group in one transaction, or none.
    async fn attempt(&mut self, group: &mut [Job]) -> Result<(), CommitError> {
        if self.failed_sync.load(Ordering::Acquire) {
            return Err(CommitError::Database(sync_has_failed()));
        }
        // Not sqlx's transactions: SQLite ends a transaction by itself when the disk is full, and sqlx would count it
        // as open from then on.
        let mut connection = self.source.take().await.map_err(|error| CommitError::Database(error.into()))?;
        if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
            self.source.give_back(connection);
            return Err(CommitError::Database(error.into()));
        }
        // A panic is caught here, so that the connection is never left in the middle of a statement.
        let result = AssertUnwindSafe(run_group(&mut connection, group)).catch_unwind().await;
        let error = match result {
            Ok(Ok(())) => match sqlx::query("COMMIT").execute(&mut *connection).await {
                Ok(_) => {
                    self.source.give_back(connection);
                    return Ok(());
                }
                Err(error) if is_failed_sync(&error) => {
                    tracing::error!(%error, "the disk failed to keep a commit: no more writes until a new start");
                    self.failed_sync.store(true, Ordering::Release);
                    CommitError::Database(error.into())
                }
                Err(error) => CommitError::Request(error.into()),
            },
            Ok(Err(error)) => CommitError::Request(error),
            Err(_) => CommitError::Request(DbError::refused("the write panicked")),
        };
        match sqlx::query("ROLLBACK").execute(&mut *connection).await {
            Ok(_) => self.source.give_back(connection),
            // Either the transaction has ended already or it cannot be ended. A new connection has none.
            Err(_) => self.source.discard(connection).await,
        }
        Err(error)
    }
}

/// Finishes come first, so that a begin in the same conversation finds it free.
async fn run_group(connection: &mut SqliteConnection, group: &mut [Job]) -> Result<(), DbError> {
    let mut finishes = Vec::new();
    let mut writes: Vec<&mut Box<dyn AnyWrite>> = Vec::new();
    let mut begins = Vec::new();
    for job in group {
        match job {
            Job::Finish(request) => finishes.push(request),
            Job::Write(request) => writes.push(request),
            Job::Begin(request) => begins.push(request),
            Job::Close(_) => {}
        }
    }
    if !finishes.is_empty() {
        let inputs: Vec<&PreparedFinish> = finishes.iter().map(|request| &request.input).collect();
        let outputs = finish::close_all(connection, &inputs).await?;
        for (request, output) in finishes.into_iter().zip(outputs) {
            request.output = Some(output);
        }
    }
    for write in writes {
        write.run(connection).await?;
    }
    if !begins.is_empty() {
        let inputs: Vec<&PreparedBegin> = begins.iter().map(|request| &request.input).collect();
        let outputs = begin::open_all(connection, &inputs).await?;
        for (request, output) in begins.into_iter().zip(outputs) {
            request.output = Some(output);
        }
    }
    Ok(())
}
