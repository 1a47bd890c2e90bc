//! Turns as they are read.

use domain::{ConversationId, Ending, Reply, TurnId, UserId};
use ports::TurnRecord;
use sqlx::{SqliteConnection, SqlitePool};
use stored::{KeptChunk, fold_chunks};
use uuid::Uuid;

use crate::error::DbError;

/// A turn of the caller's, in one statement, because its finish deletes the chunks. A running turn has one row for
/// each chunk.
pub(super) async fn find(
    reads: &SqlitePool,
    caller: UserId,
    turn: TurnId,
) -> Result<Option<TurnRecord>, DbError> {
    let mut rows = sqlx::query!(
        r#"SELECT t.conversation_id AS "conversation_id: Uuid", t.state, t.finish_reason, t.failure,
             t.retry_after_ms, t.input_tokens, t.cached_tokens, t.output_tokens, t.reasoning_tokens,
             t.usage_estimated AS "usage_estimated: bool", t.cost_nanos, t.response_time_ms, t.finished_at,
             m.id AS "reply_id?: Uuid", m.number AS "reply_number?", m.seq AS "reply_seq?",
             m.created_at AS "replied_at?", m.parts AS "reply_parts?", m.lengths AS "reply_lengths?",
             k.first AS "chunk_first?", k.parts AS "chunk_parts?", k.lengths AS "chunk_lengths?"
           FROM turns t
           JOIN conversations c ON c.id = t.conversation_id
           LEFT JOIN messages m
             ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
           LEFT JOIN turn_chunks k ON k.turn_id = t.id AND t.state = 'running'
           WHERE t.id = ?1 AND c.owner = ?2 AND c.deleted_at IS NULL
           ORDER BY k.first"#,
        turn.0,
        caller.0,
    )
    .fetch_all(reads)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let conversation = ConversationId(first.conversation_id);
    if first.state == "running" {
        let chunks = rows.into_iter().filter_map(|row| {
            let (first, parts, lengths) = (row.chunk_first?, row.chunk_parts?, row.chunk_lengths?);
            Some(KeptChunk { first, parts, lengths })
        });
        return Ok(Some(TurnRecord { turn, conversation, reply: fold_chunks(turn, chunks), ending: None }));
    }
    let row = rows.swap_remove(0);
    let reply = match (&row.reply_parts, &row.reply_lengths) {
        (Some(parts), Some(lengths)) => stored::reply_from(parts, lengths)?,
        (None, _) | (_, None) => Reply::default(),
    };
    let ending = Ending::try_from(stored::ending_columns!(row))?;
    Ok(Some(TurnRecord { turn, conversation, reply, ending: Some(ending) }))
}

/// How a turn ended, with its conversation; `None` where there is no such turn, or it still runs.
pub(super) async fn ended(
    connection: &mut SqliteConnection,
    turn: TurnId,
) -> Result<Option<(ConversationId, Ending)>, DbError> {
    let row = sqlx::query!(
        r#"SELECT t.conversation_id AS "conversation_id: Uuid", t.state, t.finish_reason, t.failure,
             t.retry_after_ms, t.input_tokens, t.cached_tokens, t.output_tokens, t.reasoning_tokens,
             t.usage_estimated AS "usage_estimated: bool", t.cost_nanos, t.response_time_ms, t.finished_at,
             m.id AS "reply_id?: Uuid", m.number AS "reply_number?", m.seq AS "reply_seq?",
             m.created_at AS "replied_at?"
           FROM turns t
           LEFT JOIN messages m
             ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
           WHERE t.id = ?1 AND t.state <> 'running'"#,
        turn.0,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let conversation = ConversationId(row.conversation_id);
    Ok(Some((conversation, Ending::try_from(stored::ending_columns!(row))?)))
}
