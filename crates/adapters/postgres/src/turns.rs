//! Turns: opened and closed by the writer, read and told to stop over the pool.

pub(crate) mod begin;
pub(crate) mod finish;
mod interrupt;
mod messages;
pub(crate) mod open;
mod record;
mod running;
mod window;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{ConversationId, ConversationKey, RunnerId, Seq, TurnId, UserId};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, Signals, StopOutcome, StoreError, Target, TurnRecord,
    TurnStore, Window,
};

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::KeyColumns;
use crate::writer::{Order, Outcome};
use begin::{BeginExisting, NotBegun, Opened};
use finish::{CloseTurn, NotClosed};
use open::BeginNew;

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
                let order = Arc::new(BeginNew::new(begin, *new));
                match self.writer.submit(Arc::clone(&order)).await? {
                    Outcome::Done(opened) => self.begun(*opened, &order.begin, order.as_ref()),
                    Outcome::Refused(never) => match never {},
                }
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
        match self.writer.submit(Arc::new(CloseTurn::of(finish))).await? {
            Outcome::Done(closed) => {
                let (ending, change) = *closed;
                Ok(Finished::Done { ending, change: Box::new(change) })
            }
            Outcome::Refused(NotClosed::Ended) => Ok(self.finished_before(turn).await?),
            Outcome::Refused(NotClosed::Lost) => Ok(Finished::Lost),
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
        let order = Arc::new(BeginExisting::new(begin, conversation, only_with_persona));
        let mut has_taken_over = false;
        loop {
            let refusal = match self.writer.submit(Arc::clone(&order)).await? {
                Outcome::Done(opened) => return self.begun(*opened, &order.begin, order.as_ref()),
                Outcome::Refused(refusal) => refusal,
            };
            match refusal {
                NotBegun::NotFound => return Err(BeginError::NotFound),
                NotBegun::Foreign => return Err(BeginError::Foreign),
                NotBegun::Moved => return Err(BeginError::Moved),
                NotBegun::Abandoned { turn, runner } if !has_taken_over => {
                    self.interrupt(turn, runner, order.begin.runner, order.begin.at).await?;
                    has_taken_over = true;
                }
                NotBegun::Abandoned { .. } | NotBegun::Busy => {
                    return Err(BeginError::Busy { retry_after: RETRY_AFTER });
                }
            }
        }
    }

    /// The conversation that a key names; no key ever names another one.
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

    /// What a begin answers. A turn in a conversation that cannot be read is ended: nobody will run it.
    fn begun(&self, opened: Opened, begin: &Begin, order: &impl Order) -> Result<Begun, BeginError> {
        opened.into_begun(&begin.messages).map_err(|fault| {
            if let Some(unwanted) = order.undo() {
                self.writer.end_unwanted(unwanted);
            }
            fault.into()
        })
    }
}
