//! Running turns: their partial text, and requests to stop them.

use std::collections::HashMap;

use domain::{ConversationKey, RunnerId, TurnId, UserId};
use ports::{Chunk, Signals, StopOutcome};
use stored::KeyColumns;
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;

/// Chunks: an array for each column.
#[derive(Default)]
struct ChunkArrays {
    turn: Vec<Uuid>,
    first: Vec<i32>,
    parts: Vec<String>,
    lengths: Vec<Vec<u8>>,
}

impl PostgresStore {
    pub(super) async fn keep_chunks(
        &self,
        runner: RunnerId,
        running: Vec<TurnId>,
        chunks: Vec<Chunk>,
    ) -> Result<Signals, DbError> {
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
        let ours: HashMap<Uuid, bool> = ours.into_iter().map(|turn| (turn.id, turn.stop_requested)).collect();
        let mut signals = Signals::default();
        for turn in running {
            match ours.get(&turn.0) {
                Some(true) => signals.stop.push(turn),
                Some(false) => {}
                None => signals.lost.push(turn),
            }
        }
        Ok(signals)
    }

    pub(super) async fn ask_to_stop(
        &self,
        caller: UserId,
        key: ConversationKey,
    ) -> Result<StopOutcome, DbError> {
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
}
