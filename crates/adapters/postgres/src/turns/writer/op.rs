//! Operations that a worker executes in batches.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use ports::Finish;
use sqlx::PgConnection;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::DbError;

/// A change that one statement can make for many callers. Each concerns one turn.
pub(crate) trait BatchOp: Debug + Send + Sync + Sized + 'static {
    /// What the change returns.
    type Output: Send;
    /// Why the change was not made.
    type Refusal: Send;

    fn turn(&self) -> Uuid;
    fn conversation(&self) -> Uuid;

    /// Whether the change is to be made when its caller is gone.
    const OUTLIVES_ITS_CALLER: bool;

    /// Makes the changes of a batch of different turns. Returns the outputs of those that were made, by turn.
    fn execute(
        connection: &mut PgConnection,
        batch: &[&Self],
    ) -> impl Future<Output = Result<HashMap<Uuid, Result<Self::Output, DbError>>, sqlx::Error>> + Send;

    /// Finds out why changes were not made, by turn.
    fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> impl Future<Output = Result<HashMap<Uuid, Diagnosis<Self::Refusal>>, sqlx::Error>> + Send;

    /// The result of an operation that the diagnosis says nothing about.
    fn unknown() -> Result<Self::Refusal, DbError>;
    /// The result of an operation that never got its lock.
    fn contended() -> Result<Self::Refusal, DbError>;

    /// What undoes the change, for a caller that does not learn whether it was made.
    fn compensation(&self) -> Option<Finish>;

    /// About how many bytes it adds to a statement.
    fn bytes(&self) -> usize;
}

/// Why a change was not made.
pub(crate) enum Diagnosis<Refusal> {
    /// Its row was locked, and nothing else prevents it. It is tried again.
    Locked,
    /// It cannot be made.
    Refused(Refusal),
}

/// What the caller of an operation gets: its output, durable by now, or why it was refused.
pub(crate) type Completion<O> = Result<<O as BatchOp>::Output, <O as BatchOp>::Refusal>;

/// An operation that waits, and its caller's end.
pub(crate) struct Pending<O: BatchOp> {
    pub(super) op: Arc<O>,
    caller: oneshot::Sender<Result<Completion<O>, DbError>>,
    /// Since when it waits.
    pub(super) since: Instant,
    /// How often it was tried again because its row was locked.
    pub(super) lock_retries: u32,
}

impl<O: BatchOp> Pending<O> {
    pub(super) fn new(op: Arc<O>, caller: oneshot::Sender<Result<Completion<O>, DbError>>) -> Self {
        Self { op, caller, since: Instant::now(), lock_retries: 0 }
    }

    /// Whether it is still to be executed.
    pub(super) fn is_wanted(&self) -> bool {
        O::OUTLIVES_ITS_CALLER || !self.caller.is_closed()
    }

    pub(super) fn answer(self, result: Result<Completion<O>, DbError>) {
        // The caller may be gone.
        let _ = self.caller.send(result);
    }
}

pub(super) fn closed() -> DbError {
    DbError::unavailable("the store is closed")
}
