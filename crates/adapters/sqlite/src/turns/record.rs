//! How turns ended.

use domain::{ConversationId, Ending, TurnId};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::error::DbError;

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
