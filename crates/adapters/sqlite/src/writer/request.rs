//! The requests that wait for the writer.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use ports::{BeginError, Finished};
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use crate::error::DbError;
use crate::turns::begin::{OpenedTurn, PreparedBegin};
use crate::turns::finish::PreparedFinish;

/// An entry of the queue.
pub(crate) enum Job {
    /// Opens a turn.
    Begin(Box<Request<PreparedBegin, Result<OpenedTurn, BeginError>>>),
    /// Closes a turn.
    Finish(Box<Request<PreparedFinish, Result<Finished, DbError>>>),
    /// Makes any other write.
    Write(Box<dyn AnyWrite>),
    /// Ends the writer.
    Close(oneshot::Sender<()>),
}

impl Job {
    /// Answers the caller after the commit, or with the error that prevented it.
    pub(crate) fn answer(self, committed: Result<(), DbError>) {
        match self {
            Self::Begin(request) => request.answer(committed),
            Self::Finish(request) => request.answer(committed),
            Self::Write(request) => request.answer_boxed(committed),
            Self::Close(_) => {}
        }
    }
}

/// What a caller asks, its output once there is one, and the caller's end.
pub(crate) struct Request<Input, Output> {
    pub(crate) input: Input,
    pub(crate) output: Option<Output>,
    caller: oneshot::Sender<Result<Output, DbError>>,
}

impl<Input, Output> Request<Input, Output> {
    /// A request, and where its output will arrive.
    pub(crate) fn new(input: Input) -> (Self, oneshot::Receiver<Result<Output, DbError>>) {
        let (caller, receiver) = oneshot::channel();
        (Self { input, output: None, caller }, receiver)
    }

    fn answer(self, committed: Result<(), DbError>) {
        let no_output = || DbError::refused("the write was made without an output");
        let output = committed.and_then(|()| self.output.ok_or_else(no_output));
        // The caller may be gone.
        let _ = self.caller.send(output);
    }
}

/// A request whose input is a write, with the types erased.
#[async_trait]
pub(crate) trait AnyWrite: Send {
    async fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), DbError>;

    fn answer_boxed(self: Box<Self>, committed: Result<(), DbError>);
}

#[async_trait]
impl<W, Output> AnyWrite for Request<W, Output>
where
    W: Fn(&mut SqliteConnection) -> BoxFuture<'_, Result<Output, DbError>> + Send,
    Output: Send,
{
    async fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        self.output = Some((self.input)(connection).await?);
        Ok(())
    }

    fn answer_boxed(self: Box<Self>, committed: Result<(), DbError>) {
        self.answer(committed);
    }
}
