//! Turns: opened, kept while they run, closed.

pub(crate) mod begin;
mod checkpoint;
pub(crate) mod finish;
mod follow;
pub(crate) mod interrupt;
mod messages;
mod record;
mod stop;
mod window;

use std::sync::Arc;

use async_trait::async_trait;
use domain::{ConversationId, ConversationKey, Ending, RunnerId, Seq, TurnId, Usage, UserId};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, FollowedTurn, Signals, StopOutcome, StoreError,
    Target, TurnRecord, TurnStore, Window,
};
use stored::KeyColumns;
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::DbError;
use begin::{OpenedTurn, PreparedBegin};

#[async_trait]
impl TurnStore for SqliteStore {
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError> {
        let (turn, runner, at) = (begin.turn, begin.runner, begin.at);
        let conversation = match &begin.target {
            Target::New(new) => new.id,
            Target::Existing { key, .. } => self.resolve(key).await?.ok_or(BeginError::NotFound)?,
        };
        let opened = self.writer.begin(PreparedBegin::new(begin, conversation)).await?;
        let OpenedTurn { begun, window_end } = opened;
        // While the turn is open, only its finish appends to the conversation: the window does not change meanwhile.
        match window::before(&self.reads, conversation, window_end).await {
            Ok(window) => Ok(Begun { window, ..begun }),
            Err(error) => {
                // The caller gets an error and will not run the turn.
                let ending = Ending::interrupted(Usage::default(), at);
                let finish = Finish::without_reply(turn, runner, conversation, ending);
                if let Err(error) = self.writer.finish(finish.into()).await {
                    tracing::error!(turn.id = %turn, ?error, "turn {turn} stays open, and no process runs it");
                }
                Err(error.into())
            }
        }
    }

    async fn earlier(&self, conversation: ConversationId, before: Seq) -> Result<Window, StoreError> {
        Ok(window::before(&self.reads, conversation, before).await?)
    }

    async fn checkpoint(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, StoreError> {
        if chunks.is_empty() {
            return Ok(checkpoint::signals(&self.reads, runner, running).await?);
        }
        let chunks: Arc<str> = checkpoint::rows_of(&chunks)?.into();
        let keep = self.writer.write(move |connection| {
            Box::pin(checkpoint::keep(connection, runner, running.clone(), Arc::clone(&chunks)))
        });
        Ok(keep.await?)
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        Ok(self.writer.finish(finish.into()).await?)
    }

    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError> {
        let key = KeyColumns::from(key);
        let ask =
            self.writer.write(move |connection| Box::pin(stop::request(connection, caller, key.clone())));
        Ok(ask.await?)
    }

    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError> {
        let followed = [FollowedTurn { caller, turn, known: 0 }];
        let found = follow::read_turns(&self.reads, &followed).await?.pop();
        Ok(found.map(TurnRecord::try_from).transpose()?)
    }
}

impl SqliteStore {
    /// The conversation that a key names. A key always names the same one.
    async fn resolve(&self, key: &ConversationKey) -> Result<Option<ConversationId>, DbError> {
        let key = match key {
            ConversationKey::Id(id) => return Ok(Some(*id)),
            ConversationKey::Number(_) | ConversationKey::Provider(_) => KeyColumns::from(key.clone()),
        };
        let id = sqlx::query_scalar!(
            r#"SELECT id AS "id: Uuid" FROM conversations WHERE number = ?1 OR provider_id = ?2"#,
            key.number,
            key.provider_id,
        )
        .fetch_optional(&self.reads)
        .await?;
        Ok(id.map(ConversationId))
    }
}
