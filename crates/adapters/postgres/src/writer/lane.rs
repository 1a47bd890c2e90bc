//! One connection that writes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::order::{Diagnosis, Order, Outcome, Pending};
use super::{Job, closed, undo};
use crate::error::{DbError, is_conflict};
use crate::options::PostgresOptions;

/// Orders that are taken together.
const GROUP: usize = 64;
/// A statement is full beyond that.
const GROUP_BYTES: usize = 4 * 1024 * 1024;
/// How often a statement is run that was the victim of a deadlock.
const TRIES: u32 = 4;
/// How often an order is tried whose lock is taken.
const MISSES: u32 = 9;
/// The pause after the first of these; each further one is twice as long, half a second in all.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// A connection that was used within this time is taken to be alive.
const FRESH: Duration = Duration::from_secs(1);
/// What the way to the database and back may add to the statement's own timeout.
const WAY: Duration = Duration::from_secs(1);
/// A lane of the writer.
pub(super) struct Lane {
    connect: PgConnectOptions,
    options: PostgresOptions,
    connection: Option<PgConnection>,
    used: Instant,
    /// Its own queue, for orders that are to be tried again.
    queue: mpsc::WeakSender<Job>,
    /// When and why the last connection was refused.
    refused: Option<(Instant, DbError)>,
}

/// A group was not carried out.
struct Failure {
    fault: DbError,
    /// Whether the database may have carried it out all the same.
    was_sent: bool,
}

type Answers<O> = HashMap<Uuid, Result<Answer<O>, DbError>>;

enum Answer<O: Order> {
    Outcome(Outcome<O>),
    Again,
}

impl Lane {
    pub(super) fn new(
        connect: PgConnectOptions,
        options: PostgresOptions,
        queue: mpsc::WeakSender<Job>,
    ) -> Self {
        Self { connect, options, connection: None, used: Instant::now(), queue, refused: None }
    }

    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(GROUP);
        let mut closing = Vec::new();
        while jobs.recv_many(&mut batch, GROUP).await > 0 {
            let (mut finishes, mut opens, mut begins) = (Vec::new(), Vec::new(), Vec::new());
            for job in batch.drain(..) {
                match job {
                    Job::Begin(pending) => begins.push(pending),
                    Job::Open(pending) => opens.push(pending),
                    Job::Finish(pending) => finishes.push(pending),
                    Job::Close(done) => closing.push(done),
                }
            }
            // What a finish sets free, a begin behind it may take.
            self.carry_out(finishes).await;
            self.carry_out(opens).await;
            self.carry_out(begins).await;
            if !closing.is_empty() {
                // Nothing more comes in, and what has come in is still done.
                jobs.close();
            }
        }
        if let Some(connection) = self.connection.take() {
            let _ = tokio::time::timeout(WAY, connection.close()).await;
        }
        for done in closing {
            let _ = done.send(());
        }
    }

    async fn carry_out<O: Order>(&mut self, mut waiting: Vec<Pending<O>>) {
        waiting.retain(Pending::is_wanted);
        while !waiting.is_empty() {
            let mut turns = HashSet::with_capacity(waiting.len());
            let mut bytes = 0;
            let (group, rest) = waiting.into_iter().partition(|pending| {
                let has_room = bytes < GROUP_BYTES;
                bytes += pending.order.bytes();
                // The same turn twice in a statement would be written twice.
                has_room && turns.insert(pending.order.turn())
            });
            self.carry_out_group(group).await;
            waiting = rest;
        }
    }

    async fn carry_out_group<O: Order>(&mut self, group: Vec<Pending<O>>) {
        match self.attempt(&group).await {
            Ok(answers) => self.answer(group, answers),
            // Something is wrong with one of them. It must not be the others' loss.
            Err(failure) if group.len() > 1 && failure.fault.is_refused() => {
                for pending in group {
                    let single = vec![pending];
                    match self.attempt(&single).await {
                        Ok(answers) => self.answer(single, answers),
                        Err(failure) => self.fail(single, &failure),
                    }
                }
            }
            Err(failure) => self.fail(group, &failure),
        }
    }

    async fn attempt<O: Order>(&mut self, group: &[Pending<O>]) -> Result<Answers<O>, Failure> {
        // Those that waited while the database could not be reached need not wait for the next try.
        if let Some((at, fault)) = &self.refused
            && group.iter().all(|pending| pending.since < *at)
        {
            return Err(Failure { fault: fault.again(), was_sent: false });
        }
        let mut connection = match self.connection().await {
            Ok(connection) => connection,
            Err(fault) => {
                self.refused = Some((Instant::now(), fault.again()));
                return Err(Failure { fault, was_sent: false });
            }
        };
        self.refused = None;
        let orders: Vec<&O> = group.iter().map(|pending| pending.order.as_ref()).collect();
        let done = match self.bounded(carry_out_or_retry(&mut connection, &orders)).await {
            Ok(done) => done,
            Err(fault) => {
                self.keep_unless_broken(connection, &fault);
                return Err(Failure { fault, was_sent: true });
            }
        };
        let outcome = |done: Result<O::Done, DbError>| done.map(|done| Answer::Outcome(Outcome::Done(done)));
        let mut answers: Answers<O> = done.into_iter().map(|(turn, done)| (turn, outcome(done))).collect();
        let left_out: Vec<&O> =
            orders.into_iter().filter(|order| !answers.contains_key(&order.turn())).collect();
        if left_out.is_empty() {
            self.keep(connection);
            return Ok(answers);
        }
        match self.bounded(O::diagnose(&mut connection, &left_out)).await {
            Ok(mut diagnoses) => {
                self.keep(connection);
                for order in left_out {
                    let refused = |refusal| Answer::Outcome(Outcome::Refused(refusal));
                    let answer = match diagnoses.remove(&order.turn()) {
                        Some(Diagnosis::Again) => Ok(Answer::Again),
                        Some(Diagnosis::Refused(refusal)) => Ok(refused(refusal)),
                        None => O::unknown().map(refused),
                    };
                    answers.insert(order.turn(), answer);
                }
            }
            // They were not carried out, which is all that is known of them.
            Err(fault) => {
                for order in left_out {
                    answers.insert(order.turn(), Err(fault.again()));
                }
                self.keep_unless_broken(connection, &fault);
            }
        }
        Ok(answers)
    }

    fn answer<O: Order>(&self, group: Vec<Pending<O>>, mut answers: Answers<O>) {
        for mut pending in group {
            match answers.remove(&pending.order.turn()) {
                Some(Ok(Answer::Outcome(outcome))) => pending.answer(Ok(outcome)),
                Some(Ok(Answer::Again)) if pending.misses < MISSES => {
                    pending.misses += 1;
                    self.try_later(pending);
                }
                Some(Ok(Answer::Again)) => pending.answer(O::contended().map(Outcome::Refused)),
                Some(Err(fault)) => {
                    self.undo(pending.order.as_ref());
                    pending.answer(Err(fault));
                }
                None => pending.answer(Err(closed())),
            }
        }
    }

    fn fail<O: Order>(&self, group: Vec<Pending<O>>, failure: &Failure) {
        for pending in group {
            if failure.was_sent && !failure.fault.is_refused() {
                self.undo(pending.order.as_ref());
            }
            pending.answer(Err(failure.fault.again()));
        }
    }

    /// Puts an order into the queue again, after a pause, whether or not its caller still waits.
    fn try_later<O: Order>(&self, pending: Pending<O>) {
        let queue = self.queue.clone();
        let pause = FIRST_PAUSE * 2_u32.saturating_pow(pending.misses.saturating_sub(1));
        #[expect(clippy::disallowed_methods, reason = "a pause of a fraction of a second")]
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let Some(queue) = queue.upgrade() else { return pending.answer(Err(closed())) };
            // Where the queue is closed, the order is dropped, and its caller is told that the store is closed.
            let _ = queue.send(O::into_job(pending)).await;
        });
    }

    /// Makes sure that a turn does not stay open which nobody knows of.
    fn undo<O: Order>(&self, order: &O) {
        let Some(order) = order.undo() else { return };
        undo::start(self.queue.clone(), order);
    }

    /// The lane's connection, or a new one.
    async fn connection(&mut self) -> Result<PgConnection, DbError> {
        if let Some(mut connection) = self.connection.take() {
            if self.used.elapsed() < FRESH {
                return Ok(connection);
            }
            // It may have been cut while nobody looked.
            let ping = tokio::time::timeout(self.options.acquire_timeout, connection.ping()).await;
            if matches!(ping, Ok(Ok(()))) {
                return Ok(connection);
            }
        }
        match tokio::time::timeout(self.options.acquire_timeout, self.connect.connect()).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(DbError::timed_out(self.options.acquire_timeout)),
        }
    }

    fn keep(&mut self, connection: PgConnection) {
        self.connection = Some(connection);
        self.used = Instant::now();
    }

    /// Whether a connection can be used again is hard to tell after some errors; a new one costs little.
    fn keep_unless_broken(&mut self, connection: PgConnection, fault: &DbError) {
        if !fault.is_unavailable() {
            self.keep(connection);
        }
    }

    async fn bounded<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, DbError> {
        let patience = self.options.statement_timeout + WAY;
        match tokio::time::timeout(patience, work).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(DbError::timed_out(patience)),
        }
    }
}

async fn carry_out_or_retry<O: Order>(
    connection: &mut PgConnection,
    group: &[&O],
) -> Result<HashMap<Uuid, Result<O::Done, DbError>>, sqlx::Error> {
    for attempt in 1..TRIES {
        match O::carry_out(connection, group).await {
            Err(error) if is_conflict(&error) => tokio::time::sleep(FIRST_PAUSE * attempt).await,
            result => return result,
        }
    }
    O::carry_out(connection, group).await
}
