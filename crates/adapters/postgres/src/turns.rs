//! Turns: opened and closed by the writer; everything else goes over the pool.

pub(crate) mod begin;
pub(crate) mod finish;
mod follow;
mod interrupt;
mod messages;
pub(crate) mod open;
mod record;
pub(crate) mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use domain::{ConversationId, ConversationKey, RunnerId, Seq, TurnId, UserId};
use ports::{
    Begin, BeginError, Begun, Chunk, Finish, Finished, FollowedTurn, Signals, StopOutcome, StoreError,
    Target, TurnRecord, TurnStore, Window,
};
use stored::{KeyColumns, MessageToAppend};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::WindowArrays;
use begin::{BeginExisting, BegunRow, NotBegun};
use finish::{CloseTurn, NotClosed};
use open::BeginNew;
use writer::op::BatchOp;

/// When to try again while a turn runs.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The limits of a window as arguments of a statement: messages, bytes.
const WINDOW: (i32, i32) = (WINDOW_MESSAGES.cast_signed(), WINDOW_BYTES.cast_signed());

/// Chunks: an array for each column.
#[derive(Default)]
struct ChunkArrays {
    turn: Vec<Uuid>,
    first: Vec<i32>,
    parts: Vec<String>,
    lengths: Vec<Vec<u8>>,
}

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
        let (messages, bytes) = WINDOW;
        let read = |pool| {
            sqlx::query_as!(
                WindowArrays,
                r#"SELECT w.seqs AS "seqs!", w.turn_ids AS "turn_ids!: Vec<Option<Uuid>>", w.roles AS "roles!",
                     w.states AS "states!", w.token_counts AS "token_counts!", w.parts AS "parts!",
                     w.has_older AS "has_older!"
                   FROM omnichat.window_before($1, $2, $3, $4) w"#,
                conversation.0,
                before.0,
                messages,
                bytes,
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(read).await?.into_window()?)
    }

    async fn checkpoint(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, StoreError> {
        let turns: Vec<Uuid> = running.iter().map(|turn| turn.0).collect();
        let mut arrays = ChunkArrays::default();
        for chunk in &chunks {
            arrays.turn.push(chunk.turn.0);
            arrays.first.push(chunk.first.try_into().unwrap_or(i32::MAX));
            arrays.parts.push(stored::parts_to_json(chunk.deltas.parts()));
            arrays.lengths.push(stored::lengths_to_bytes(chunk.deltas.lengths()));
        }
        let keep = |pool| {
            sqlx::query_file!(
                "queries/checkpoint.sql",
                runner.0,
                turns.as_slice(),
                arrays.turn.as_slice(),
                arrays.first.as_slice(),
                arrays.parts.as_slice(),
                arrays.lengths.as_slice(),
            )
            .fetch_all(pool)
        };
        let ours = self.steady.run(keep).await?;
        Ok(stored::signals(running, ours.into_iter().map(|turn| (turn.id, turn.stop_requested))))
    }

    async fn finish(&self, finish: Finish) -> Result<Finished, StoreError> {
        let turn = finish.turn;
        match self.writer.submit(Arc::new(CloseTurn::from(finish))).await? {
            Ok((ending, change)) => Ok(Finished::Done { ending, change }),
            Err(NotClosed::Ended) => Ok(self.finished_before(turn).await?),
            Err(NotClosed::Lost) => Ok(Finished::Lost),
        }
    }

    async fn request_stop(&self, caller: UserId, key: ConversationKey) -> Result<StopOutcome, StoreError> {
        let key = KeyColumns::from(key);
        let ask = |pool| {
            sqlx::query_scalar!(
                r#"WITH target AS (
                     SELECT c.running_turn FROM omnichat.conversations c
                     WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.owner = $4 AND c.deleted_at IS NULL
                   ),
                   asked AS (
                     UPDATE omnichat.turns t SET stop_requested = true FROM target g
                     WHERE t.id = g.running_turn AND t.state = 'running'
                     RETURNING t.id
                   )
                   SELECT a.id AS "turn?" FROM target g LEFT JOIN asked a ON true"#,
                key.id,
                key.number,
                key.provider_id.as_deref(),
                caller.0,
            )
            .fetch_optional(pool)
        };
        Ok(match self.pool.run(ask).await? {
            Some(Some(turn)) => StopOutcome::Asked(TurnId(turn)),
            Some(None) => StopOutcome::Idle,
            None => StopOutcome::NotFound,
        })
    }

    async fn find(&self, caller: UserId, turn: TurnId) -> Result<Option<TurnRecord>, StoreError> {
        let followed = [FollowedTurn { caller, turn, known: 0 }];
        let found = follow::read_turns(&self.pool, &followed).await?.pop();
        Ok(found.map(TurnRecord::try_from).transpose()?)
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
