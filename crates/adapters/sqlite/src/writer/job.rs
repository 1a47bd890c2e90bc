//! What waits for the writer.

use async_trait::async_trait;
use ports::{BeginError, Finish, Finished};
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use crate::error::DbError;
use crate::turns::begin::{Opened, Opening};

/// A write that is made by itself, inside the commit that it shares with others.
#[async_trait]
pub(crate) trait Write: Send + Sync + 'static {
    /// What its caller learns after the commit.
    type Answer: Send + 'static;

    /// Makes the write. It may be called again after a rollback.
    async fn run(&self, connection: &mut SqliteConnection) -> Result<Self::Answer, DbError>;
}

/// One caller's place in the queue.
pub(crate) enum Job {
    /// Opens a turn.
    Begin(Box<Ticket<Opening, Result<Opened, BeginError>>>),
    /// Closes a turn.
    Finish(Box<Ticket<Finish, Result<Finished, DbError>>>),
    /// Anything else.
    Write(Box<dyn Waiting>),
    /// Ends the writer.
    Close(oneshot::Sender<()>),
}

impl Job {
    /// Tells the caller what came of it.
    pub(crate) fn settle(self, outcome: Result<(), DbError>) {
        match self {
            Self::Begin(ticket) => ticket.settle(outcome),
            Self::Finish(ticket) => ticket.settle(outcome),
            Self::Write(ticket) => ticket.settle_boxed(outcome),
            Self::Close(_) => {}
        }
    }
}

/// An order, its answer once there is one, and who waits for it.
pub(crate) struct Ticket<Order, Answer> {
    pub(crate) order: Order,
    pub(crate) answer: Option<Answer>,
    caller: oneshot::Sender<Result<Answer, DbError>>,
}

impl<Order, Answer> Ticket<Order, Answer> {
    /// A ticket, and where its answer will come.
    pub(crate) fn new(order: Order) -> (Self, oneshot::Receiver<Result<Answer, DbError>>) {
        let (caller, answer) = oneshot::channel();
        (Self { order, answer: None, caller }, answer)
    }

    fn settle(self, outcome: Result<(), DbError>) {
        let unanswered = || DbError::refused("the write was made without an answer");
        let answer = outcome.and_then(|()| self.answer.ok_or_else(unanswered));
        // The caller may have left.
        let _ = self.caller.send(answer);
    }
}

/// A ticket whose order is known only to itself.
#[async_trait]
pub(crate) trait Waiting: Send {
    async fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), DbError>;

    fn settle_boxed(self: Box<Self>, outcome: Result<(), DbError>);
}

#[async_trait]
impl<W: Write> Waiting for Ticket<W, W::Answer> {
    async fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        self.answer = Some(self.order.run(connection).await?);
        Ok(())
    }

    fn settle_boxed(self: Box<Self>, outcome: Result<(), DbError>) {
        self.settle(outcome);
    }
}
