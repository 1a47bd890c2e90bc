//! The one writer: it owns the connection that writes, and commits whatever waits in one go.
//!
//! A commit costs an fsync, whether it holds one write or two hundred. So callers queue up, the writer takes all who
//! wait, runs their writes in one transaction, and answers each after the commit: what is acknowledged is on the
//! disk. A group that fails is rolled back and its members are tried one by one, so that a bad one hurts its owner
//! alone. A caller who leaves while waiting changes nothing: the write is made all the same.

pub(crate) mod job;
mod source;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use ports::{BeginError, Finish, Finished};
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{DbError, is_failed_sync};
use crate::turns::begin::{self, Opened, Opening};
use crate::turns::finish;
pub(crate) use job::Write;
use job::{Job, Ticket, Waiting};
pub(crate) use source::Source;

/// Writes of one commit.
const GROUP: usize = 256;
/// Writes that may wait; more wait for a place.
const QUEUE: usize = 1024;

/// Where callers queue up.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    failed_sync: Arc<AtomicBool>,
}

impl Writer {
    /// Starts a writer; it ends when it is closed or nobody can reach it any more.
    pub(crate) fn start(source: Source) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let failed_sync = Arc::new(AtomicBool::new(false));
        let desk = Desk { source, failed_sync: Arc::clone(&failed_sync) };
        #[expect(
            clippy::disallowed_methods,
            reason = "the writer outlives all tasks that shutdown waits for; `close` waits for it"
        )]
        tokio::spawn(desk.serve(queue));
        Self { jobs, failed_sync }
    }

    /// Opens a turn.
    pub(crate) async fn begin(&self, order: Opening) -> Result<Opened, BeginError> {
        self.ask(order, |ticket| Job::Begin(Box::new(ticket))).await?
    }

    /// Closes a turn.
    pub(crate) async fn finish(&self, order: Finish) -> Result<Finished, DbError> {
        self.ask(order, |ticket| Job::Finish(Box::new(ticket))).await?
    }

    /// Makes any other write.
    pub(crate) async fn write<W: Write>(&self, order: W) -> Result<W::Answer, DbError> {
        self.ask(order, |ticket| Job::Write(Box::new(ticket))).await
    }

    /// Whether it takes writes: it runs, and the disk has kept its word so far.
    pub(crate) fn check(&self) -> Result<(), DbError> {
        if self.failed_sync.load(Ordering::Acquire) {
            return Err(sync_has_failed());
        }
        if self.jobs.is_closed() { Err(gone()) } else { Ok(()) }
    }

    /// Makes the writes that wait, then ends.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error says that it has ended already.
            let _ = closed.await;
        }
    }

    async fn ask<Order, Answer>(
        &self,
        order: Order,
        job: impl FnOnce(Ticket<Order, Answer>) -> Job + Send,
    ) -> Result<Answer, DbError> {
        let (ticket, answer) = Ticket::new(order);
        self.jobs.send(job(ticket)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn gone() -> DbError {
    DbError::unavailable("the writer has ended")
}

fn sync_has_failed() -> DbError {
    DbError::unavailable("the disk has failed to keep a commit; the process must start anew")
}

/// Why a group was not committed.
enum Trouble {
    /// Something in it; others may fare better without it.
    Inside(DbError),
    /// Nothing can be written now.
    Outside(DbError),
}

/// The writer's side of the queue.
pub(crate) struct Desk {
    pub(crate) source: Source,
    pub(crate) failed_sync: Arc<AtomicBool>,
}

impl Desk {
    async fn serve(mut self, mut queue: mpsc::Receiver<Job>) {
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
            // Whoever closed may have left.
            let _ = done.send(());
        }
    }

    /// Makes all writes of a group, or as many as can be made, and answers each.
    pub(crate) async fn commit(&mut self, mut group: Vec<Job>) {
        match self.attempt(&mut group).await {
            Ok(()) => {
                for job in group {
                    job.settle(Ok(()));
                }
            }
            Err(Trouble::Inside(fault)) if group.len() > 1 => {
                tracing::debug!(error = ?fault, writes = group.len(), "a group of writes is made one by one");
                self.commit_singly(group).await;
            }
            Err(Trouble::Inside(fault) | Trouble::Outside(fault)) => {
                for job in group {
                    job.settle(Err(fault.again()));
                }
            }
        }
    }

    async fn commit_singly(&mut self, group: Vec<Job>) {
        let mut outside = None;
        for job in group {
            if let Some(fault) = &outside {
                job.settle(Err(DbError::again(fault)));
                continue;
            }
            let mut alone = [job];
            let outcome = self.attempt(&mut alone).await;
            let [job] = alone;
            match outcome {
                Ok(()) => job.settle(Ok(())),
                Err(Trouble::Inside(fault)) => job.settle(Err(fault)),
                Err(Trouble::Outside(fault)) => {
                    job.settle(Err(fault.again()));
                    outside = Some(fault);
                }
            }
        }
    }

    /// Makes all writes of a group in one transaction, or none.
    async fn attempt(&mut self, group: &mut [Job]) -> Result<(), Trouble> {
        if self.failed_sync.load(Ordering::Acquire) {
            return Err(Trouble::Outside(sync_has_failed()));
        }
        // Not sqlx's transactions: SQLite ends one by itself when the disk is full, and sqlx would count it as open
        // ever after.
        let mut connection = self.source.take().await.map_err(|error| Trouble::Outside(error.into()))?;
        if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
            self.source.give_back(connection);
            return Err(Trouble::Outside(error.into()));
        }
        // A panic is caught before the connection could be left in the middle of a statement's answer.
        let outcome = AssertUnwindSafe(run(&mut connection, group)).catch_unwind().await;
        let trouble = match outcome {
            Ok(Ok(())) => match sqlx::query("COMMIT").execute(&mut *connection).await {
                Ok(_) => {
                    self.source.give_back(connection);
                    return Ok(());
                }
                Err(error) if is_failed_sync(&error) => {
                    tracing::error!(%error, "the disk failed to keep a commit: no more writes until a new start");
                    self.failed_sync.store(true, Ordering::Release);
                    Trouble::Outside(error.into())
                }
                Err(error) => Trouble::Inside(error.into()),
            },
            Ok(Err(fault)) => Trouble::Inside(fault),
            Err(_) => Trouble::Inside(DbError::refused("the write panicked")),
        };
        match sqlx::query("ROLLBACK").execute(&mut *connection).await {
            Ok(_) => self.source.give_back(connection),
            // It is over already, or it cannot be ended: a new connection knows.
            Err(_) => self.source.discard(connection).await,
        }
        Err(trouble)
    }
}

/// Finishes come first, so that a begin in the same conversation finds it free.
async fn run(connection: &mut SqliteConnection, group: &mut [Job]) -> Result<(), DbError> {
    let mut finishes = Vec::new();
    let mut writes: Vec<&mut Box<dyn Waiting>> = Vec::new();
    let mut begins = Vec::new();
    for job in group {
        match job {
            Job::Finish(ticket) => finishes.push(ticket),
            Job::Write(ticket) => writes.push(ticket),
            Job::Begin(ticket) => begins.push(ticket),
            Job::Close(_) => {}
        }
    }
    if !finishes.is_empty() {
        let orders: Vec<&Finish> = finishes.iter().map(|ticket| &ticket.order).collect();
        let answers = finish::close_all(connection, &orders).await?;
        for (ticket, answer) in finishes.into_iter().zip(answers) {
            ticket.answer = Some(answer);
        }
    }
    for write in writes {
        write.run(connection).await?;
    }
    if !begins.is_empty() {
        let orders: Vec<&Opening> = begins.iter().map(|ticket| &ticket.order).collect();
        let answers = begin::open_all(connection, &orders).await?;
        for (ticket, answer) in begins.into_iter().zip(answers) {
            ticket.answer = Some(answer);
        }
    }
    Ok(())
}
