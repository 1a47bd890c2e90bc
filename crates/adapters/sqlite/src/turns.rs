//! Turns: opened, kept while they run, closed.

pub(crate) mod begin;
mod checkpoint;
pub(crate) mod finish;
pub(crate) mod interrupt;
mod messages;
mod record;
mod stop;
mod window;

use async_trait::async_trait;
use domain::{
    ConversationId, ConversationKey, EndState, Ending, FailureKind, NanoDollars, RunnerId, Seq, Timestamp,
    TurnId, Usage, UserId,
};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, Signals, StopOutcome, StoreError, Target, TurnRecord,
    TurnStore, Window,
};

use uuid::Uuid;

use crate::SqliteStore;
use crate::error::DbError;
use crate::rows::KeyColumns;
use begin::Opening;
use checkpoint::Checkpoint;
use stop::RequestStop;

#[async_trait]
impl TurnStore for SqliteStore {
    async fn begin(&self, begin: Begin) -> Result<Begun, BeginError> {
        let (turn, runner, at) = (begin.turn, begin.runner, begin.at);
        let conversation = match &begin.target {
            Target::New(new) => new.id,
            Target::Existing { key, .. } => self.resolve(key).await?.ok_or(BeginError::NotFound)?,
        };
        let opened = self.writer.begin(Opening { begin, conversation }).await?;
        // The turn is open, so nothing is appended to the conversation but by its finish: the window stands still.
        match window::before(&self.reads, opened.conversation.id, opened.window_end).await {
            Ok(window) => Ok(Begun {
                conversation: opened.conversation,
                persona: opened.persona,
                question: opened.question,
                appended: opened.appended,
                model: opened.model,
                window,
                has_files: opened.has_files,
            }),
            Err(fault) => {
                // Nobody will run a turn that was not answered for.
                self.abandon(opened.conversation.id, turn, runner, at).await;
                Err(fault.into())
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
        let checkpoint = Checkpoint { runner, running, chunks };
        if checkpoint.chunks.is_empty() {
            return Ok(checkpoint.signals(&self.reads).await?);
        }
        Ok(self.writer.write(checkpoint).await?)
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        Ok(self.writer.finish(finish).await?)
    }

    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError> {
        Ok(self.writer.write(RequestStop { caller, key: key.into() }).await?)
    }

    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError> {
        Ok(record::find(&self.reads, caller, turn).await?)
    }
}

impl SqliteStore {
    /// The conversation that a key names; no key ever names another one.
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

    async fn abandon(&self, conversation: ConversationId, turn: TurnId, runner: RunnerId, at: Timestamp) {
        let ending = Ending {
            state: EndState::Failed(FailureKind::Store.into()),
            reply: None,
            usage: Usage::default(),
            cost: NanoDollars::default(),
            response_time_ms: 0,
            at,
        };
        let finish = Finish { turn, runner, conversation, ending, reply: None, title: None, ledger: None };
        if let Err(fault) = self.writer.finish(finish).await {
            tracing::error!(turn.id = %turn, error = ?fault, "turn {turn} stays open without anybody to run it");
        }
    }
}
