//! Turns as their owners see them: whole, or only the deltas after those that are known already.

use async_trait::async_trait;
use domain::{ConversationId, TurnId};
use ports::{FollowedTurn, StoreError, TurnEvents, TurnRecord};
use serde::Serialize;
use sqlx::SqlitePool;
use stored::{KeptChunk, TurnColumns, readable};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::json_of;

#[async_trait]
impl TurnEvents for SqliteStore {
    async fn news(&self, followed: Vec<FollowedTurn>) -> Result<Vec<TurnRecord>, StoreError> {
        Ok(readable(read_turns(&self.reads, &followed).await?, "turn", |row| row.turn))
    }
}

#[derive(Serialize)]
struct FollowedRow {
    turn: Simple,
    caller: i64,
    known: u32,
}

impl From<&FollowedTurn> for FollowedRow {
    fn from(followed: &FollowedTurn) -> Self {
        let FollowedTurn { caller, turn, known } = *followed;
        Self { turn: turn.0.simple(), caller: caller.0, known }
    }
}

/// Reads turns in one statement, because a finish deletes the chunks. Turns that are not the caller's, or that are gone,
/// are left out.
pub(super) async fn read_turns(
    reads: &SqlitePool,
    followed: &[FollowedTurn],
) -> Result<Vec<TurnColumns<i64>>, DbError> {
    let followed: Vec<FollowedRow> = followed.iter().map(FollowedRow::from).collect();
    let followed = json_of(&followed)?;
    // A running turn has one row for each chunk.
    let rows = sqlx::query!(
        r#"SELECT t.id AS "id: Uuid", t.conversation_id AS "conversation_id: Uuid",
             f.value->>'known' AS "known!: i64", t.state, t.finish_reason, t.failure, t.retry_after_ms,
             t.input_tokens, t.cached_tokens, t.output_tokens, t.reasoning_tokens,
             t.usage_estimated AS "usage_estimated: bool", t.cost_nanos, t.response_time_ms, t.finished_at,
             m.id AS "reply_id?: Uuid", m.number AS "reply_number?", m.seq AS "reply_seq?",
             m.created_at AS "replied_at?", m.parts AS "reply_parts?", m.lengths AS "reply_lengths?",
             k.first AS "chunk_first?", k.parts AS "chunk_parts?", k.lengths AS "chunk_lengths?"
           FROM json_each(?1) AS f
           CROSS JOIN turns t ON t.id = unhex(f.value->>'turn')
           JOIN conversations c ON c.id = t.conversation_id
           LEFT JOIN messages m
             ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
           LEFT JOIN turn_chunks k
             ON k.turn_id = t.id AND k.first >= f.value->>'known' AND t.state = 'running'
           WHERE c.owner = f.value->>'caller' AND c.deleted_at IS NULL
           ORDER BY t.id, k.first"#,
        followed,
    )
    .fetch_all(reads)
    .await?;
    let mut turns: Vec<TurnColumns<i64>> = Vec::new();
    for row in rows {
        let turn = TurnId(row.id);
        let chunk = match (row.chunk_first, row.chunk_parts, row.chunk_lengths) {
            (Some(first), Some(parts), Some(lengths)) => Some(KeptChunk { first, parts, lengths }),
            (None, ..) | (_, None, _) | (.., None) => None,
        };
        match turns.last_mut() {
            Some(before) if before.turn == turn => before.chunks.extend(chunk),
            Some(_) | None => turns.push(TurnColumns {
                turn,
                conversation: ConversationId(row.conversation_id),
                known: row.known,
                chunks: chunk.into_iter().collect(),
                reply_parts: row.reply_parts,
                reply_lengths: row.reply_lengths,
                ending: stored::ending_columns!(row),
            }),
        }
    }
    Ok(turns)
}
