//! Turns: opened and closed by the writer; everything else goes over the pool.

pub(crate) mod begin;
pub(crate) mod finish;
mod follow;
mod interrupt;
mod messages;
pub(crate) mod open;
mod record;
mod running;
mod window;
pub(crate) mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{ConversationId, ConversationKey, RunnerId, Seq, TurnId, UserId};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, Signals, StopOutcome, StoreError, Target, TurnRecord,
    TurnStore, Window,
};
use stored::{KeyColumns, MessageToAppend};

use crate::PostgresStore;
use crate::error::DbError;
use begin::{BeginExisting, BegunRow, NotBegun};
use finish::{CloseTurn, NotClosed};
use open::BeginNew;
use writer::op::BatchOp;

/// When to try again while a turn runs.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[async_trait]
impl TurnStore for PostgresStore {
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError> {
        match begin.target.clone() {
            Target::Existing { key, only_with_persona } => {
                self.begin_existing(begin, key, only_with_persona).await
            }
            Target::New(new) => {
                let op = Arc::new(BeginNew::new(begin, *new));
                let Ok(row) = self.writer.submit(Arc::clone(&op)).await?;
                self.begun(*row, &op.messages, op.as_ref()).await
            }
        }
    }

    async fn earlier(&self, conversation: ConversationId, before: Seq) -> Result<Window, StoreError> {
        Ok(self.read_window(conversation, before).await?)
    }

    async fn checkpoint(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, StoreError> {
        Ok(self.keep_chunks(runner, running, chunks).await?)
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        let turn = finish.turn;
        match self.writer.submit(Arc::new(CloseTurn::from(finish))).await? {
            Ok(closed) => {
                let (ending, change) = *closed;
                Ok(Finished::Done { ending, change: Box::new(change) })
            }
            Err(NotClosed::Ended) => Ok(self.finished_before(turn).await?),
            Err(NotClosed::Lost) => Ok(Finished::Lost),
        }
    }

    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError> {
        Ok(self.ask_to_stop(caller, key).await?)
    }

    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError> {
        Ok(self.find_turn(caller, turn).await?)
    }
}

impl PostgresStore {
    async fn begin_existing(
        &self,
        begin: Begin,
        key: ConversationKey,
        only_with_persona: bool,
    ) -> Result<Begun, BeginError> {
        let conversation = self.resolve(key).await?.ok_or(BeginError::NotFound)?;
        let op = Arc::new(BeginExisting::new(begin, conversation, only_with_persona));
        let mut has_recovered = false;
        loop {
            let refusal = match self.writer.submit(Arc::clone(&op)).await? {
                Ok(row) => return self.begun(*row, &op.messages, op.as_ref()).await,
                Err(refusal) => refusal,
            };
            match refusal {
                NotBegun::NotFound => return Err(BeginError::NotFound),
                NotBegun::Foreign => return Err(BeginError::Foreign),
                NotBegun::Moved => return Err(BeginError::Moved),
                NotBegun::Abandoned { turn, runner } if !has_recovered => {
                    self.interrupt(turn, runner, op.begin.runner, op.begin.at).await?;
                    has_recovered = true;
                }
                NotBegun::Abandoned { .. } | NotBegun::Busy => {
                    return Err(BeginError::Busy { retry_after: RETRY_AFTER });
                }
            }
        }
    }

    /// The conversation that a key names. A key always names the same one.
    async fn resolve(&self, key: ConversationKey) -> Result<Option<ConversationId>, DbError> {
        let key = match key {
            ConversationKey::Id(id) => return Ok(Some(id)),
            ConversationKey::Number(_) | ConversationKey::Provider(_) => KeyColumns::from(key),
        };
        let read = |pool| {
            sqlx::query_scalar!(
                "SELECT omnichat.conversation_by($1, $2)",
                key.number,
                key.provider_id.as_deref(),
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(read).await?.map(ConversationId))
    }

    /// What a begin returns. Where its rows cannot be read, the turn is closed, for its caller will not run it.
    async fn begun(
        &self,
        row: BegunRow,
        messages: &[MessageToAppend],
        op: &impl BatchOp,
    ) -> Result<Begun, BeginError> {
        let error = match row.into_begun(messages) {
            Ok(begun) => return Ok(begun),
            Err(error) => DbError::from(error),
        };
        if let Some(finish) = op.compensation()
            && let turn = finish.turn
            && let Err(error) = self.writer.submit(Arc::new(CloseTurn::from(finish))).await
        {
            tracing::error!(turn.id = %turn, ?error, "turn {turn} stays open, and no process runs it");
        }
        Err(error.into())
    }
}
