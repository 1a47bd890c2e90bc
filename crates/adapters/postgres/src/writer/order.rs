//! What callers ask of a lane, and what they are told.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use super::Job;
use crate::error::DbError;
use crate::turns::finish::CloseTurn;

/// A change that can be made for many callers by one statement. Each is about one turn.
pub(crate) trait Order: Debug + Send + Sync + Sized + 'static {
    /// What the change answers.
    type Done: Send;
    /// Why it was not made.
    type Refusal: Send;

    fn turn(&self) -> Uuid;
    fn conversation(&self) -> Uuid;

    /// Whether the change is worth making when its caller has gone.
    const OUTLIVES_ITS_CALLER: bool;

    /// Makes the changes of a group of different turns. Answers for those that were made, by turn.
    fn carry_out(
        connection: &mut PgConnection,
        group: &[&Self],
    ) -> impl Future<Output = Result<HashMap<Uuid, Result<Self::Done, DbError>>, sqlx::Error>> + Send;

    /// Finds out why changes were not made, by turn.
    fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> impl Future<Output = Result<HashMap<Uuid, Diagnosis<Self::Refusal>>, sqlx::Error>> + Send;

    /// What an order comes to that the diagnosis does not know, and what comes of one that never got its lock.
    fn unknown() -> Result<Self::Refusal, DbError>;
    fn contended() -> Result<Self::Refusal, DbError>;

    /// What makes sure that nothing stays behind where nobody can tell whether the change was made.
    fn undo(&self) -> Option<CloseTurn>;

    /// What it adds to the size of a statement, more or less.
    fn bytes(&self) -> usize;

    fn into_job(pending: Pending<Self>) -> Job;
}

/// Why a change was not made.
pub(crate) enum Diagnosis<Refusal> {
    /// Nothing speaks against it by now: its lock was taken. It is tried again.
    Again,
    /// It cannot be made.
    Refused(Refusal),
}

/// What became of an order.
pub(crate) enum Outcome<O: Order> {
    /// It was carried out, and is durable.
    Done(O::Done),
    /// It was not.
    Refused(O::Refusal),
}

/// An order, with whoever waits for it.
pub(crate) struct Pending<O: Order> {
    pub(crate) order: Arc<O>,
    answer: oneshot::Sender<Result<Outcome<O>, DbError>>,
    /// Since when it waits.
    pub(crate) since: Instant,
    /// How often its lock was taken.
    pub(crate) misses: u32,
}

impl<O: Order> Pending<O> {
    pub(super) fn new(order: Arc<O>, answer: oneshot::Sender<Result<Outcome<O>, DbError>>) -> Self {
        Self { order, answer, since: Instant::now(), misses: 0 }
    }

    /// Whether anybody still needs it.
    pub(super) fn is_wanted(&self) -> bool {
        O::OUTLIVES_ITS_CALLER || !self.answer.is_closed()
    }

    pub(super) fn answer(self, result: Result<Outcome<O>, DbError>) {
        // A caller that has gone asks again, or does not care.
        let _ = self.answer.send(result);
    }
}
