//! Turns as they are read.

use domain::{ConversationId, Ending, MessageId, MessageNumber, Reply, ReplyRef, Seq, TurnId, UserId};
use ports::TurnRecord;
use sqlx::{SqliteConnection, SqlitePool};
use stored::{KeptChunk, fold_chunks};
use uuid::Uuid;

use crate::error::DbError;
use crate::rows::EndingRow;
use crate::values::instant;

/// A turn with its reply's row, or with one of its chunks.
struct TurnRow {
    conversation_id: Uuid,
    state: String,
    finish_reason: Option<String>,
    failure: Option<String>,
    retry_after_ms: Option<i64>,
    input_tokens: i64,
    cached_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    usage_estimated: bool,
    cost_nanos: i64,
    response_time_ms: i64,
    finished_at: Option<i64>,
    reply_id: Option<Uuid>,
    reply_number: Option<i64>,
    reply_seq: Option<i64>,
    reply_created_at: Option<i64>,
    reply_parts: Option<String>,
    reply_lengths: Option<Vec<u8>>,
    chunk_first: Option<i64>,
    chunk_parts: Option<String>,
    chunk_lengths: Option<Vec<u8>>,
}

impl TurnRow {
    fn ending(&self) -> Result<Ending, DbError> {
        let row = EndingRow {
            state: self.state.clone(),
            finish_reason: self.finish_reason.clone(),
            failure: self.failure.clone(),
            retry_after_ms: self.retry_after_ms,
            input_tokens: self.input_tokens,
            cached_tokens: self.cached_tokens,
            output_tokens: self.output_tokens,
            reasoning_tokens: self.reasoning_tokens,
            usage_estimated: self.usage_estimated,
            cost_nanos: self.cost_nanos,
            response_time_ms: self.response_time_ms,
            finished_at: self.finished_at,
        };
        Ok(Ending { reply: self.reply_ref()?, ..Ending::try_from(row)? })
    }

    fn reply_ref(&self) -> Result<Option<ReplyRef>, DbError> {
        let (Some(id), Some(number), Some(seq), Some(created_at)) =
            (self.reply_id, self.reply_number, self.reply_seq, self.reply_created_at)
        else {
            return Ok(None);
        };
        Ok(Some(ReplyRef {
            id: MessageId(id),
            number: Some(MessageNumber(number)),
            seq: Seq(seq),
            created_at: instant(created_at)?,
        }))
    }

    fn reply(&self) -> Result<Reply, DbError> {
        match (&self.reply_parts, &self.reply_lengths) {
            (Some(parts), Some(lengths)) => Ok(stored::reply_from(parts, lengths)?),
            (None, _) | (_, None) => Ok(Reply::default()),
        }
    }

    fn chunk(self) -> Option<KeptChunk> {
        Some(KeptChunk { first: self.chunk_first?, parts: self.chunk_parts?, lengths: self.chunk_lengths? })
    }
}

/// A turn of the caller's, in one statement: its finish takes the chunks away.
pub(super) async fn find(
    reads: &SqlitePool,
    caller: UserId,
    turn: TurnId,
) -> Result<Option<TurnRecord>, DbError> {
    let rows = sqlx::query_as!(
        TurnRow,
        r#"SELECT t.conversation_id AS "conversation_id: Uuid", t.state, t.finish_reason, t.failure,
             t.retry_after_ms, t.input_tokens, t.cached_tokens, t.output_tokens, t.reasoning_tokens,
             t.usage_estimated AS "usage_estimated: bool", t.cost_nanos, t.response_time_ms, t.finished_at,
             m.id AS "reply_id?: Uuid", m.number AS "reply_number?", m.seq AS "reply_seq?",
             m.created_at AS "reply_created_at?", m.parts AS "reply_parts?", m.lengths AS "reply_lengths?",
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
        let chunks = rows.into_iter().filter_map(TurnRow::chunk);
        return Ok(Some(TurnRecord { turn, conversation, reply: fold_chunks(turn, chunks), ending: None }));
    }
    Ok(Some(TurnRecord { turn, conversation, reply: first.reply()?, ending: Some(first.ending()?) }))
}

/// How a turn ended, and where; `None` where there is no such turn.
pub(super) async fn ended(
    connection: &mut SqliteConnection,
    turn: TurnId,
) -> Result<Option<(ConversationId, Ending)>, DbError> {
    let row = sqlx::query_as!(
        TurnRow,
        r#"SELECT t.conversation_id AS "conversation_id: Uuid", t.state, t.finish_reason, t.failure,
             t.retry_after_ms, t.input_tokens, t.cached_tokens, t.output_tokens, t.reasoning_tokens,
             t.usage_estimated AS "usage_estimated: bool", t.cost_nanos, t.response_time_ms, t.finished_at,
             m.id AS "reply_id?: Uuid", m.number AS "reply_number?", m.seq AS "reply_seq?",
             m.created_at AS "reply_created_at?", NULL AS "reply_parts?: String",
             NULL AS "reply_lengths?: Vec<u8>", NULL AS "chunk_first?: i64", NULL AS "chunk_parts?: String",
             NULL AS "chunk_lengths?: Vec<u8>"
           FROM turns t
           LEFT JOIN messages m
             ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
           WHERE t.id = ?1 AND t.state <> 'running'"#,
        turn.0,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((ConversationId(row.conversation_id), row.ending()?))).transpose()
}
