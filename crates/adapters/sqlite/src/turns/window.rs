//! Windows: pages of the active path for requests to a model.

use domain::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use domain::{ConversationId, Seq, WindowMessage};
use ports::Window;
use sqlx::SqlitePool;
use stored::{StoredError, WindowColumns};
use uuid::Uuid;

use crate::error::DbError;

/// The newest messages before a position, oldest first: as many as a window holds, at least one if there is any.
pub(super) async fn before(
    reads: &SqlitePool,
    conversation: ConversationId,
    before: Seq,
) -> Result<Window, DbError> {
    if before.0 <= 1 {
        return Ok(Window::default());
    }
    // One row more than the window holds shows whether there are older ones. Sizes are read without the texts.
    let candidates = i64::from(WINDOW_MESSAGES) + 1;
    let (messages, bytes) = (i64::from(WINDOW_MESSAGES), i64::from(WINDOW_BYTES));
    let rows = sqlx::query!(
        r#"WITH newest AS MATERIALIZED (
               SELECT number, seq, octet_length(parts) AS bytes FROM messages
               WHERE conversation_id = ?1 AND seq < ?2 AND active = 1 AND deleted_at IS NULL
               ORDER BY seq DESC LIMIT ?3),
             counted AS (
               SELECT number, row_number() OVER newer AS nth, sum(bytes) OVER newer AS bytes FROM newest
               WINDOW newer AS (ORDER BY seq DESC ROWS UNBOUNDED PRECEDING))
           SELECT m.seq, m.turn_id AS "turn_id: Uuid", m.role, m.parts, m.state, m.token_count,
             (SELECT min(seq) FROM newest) AS "oldest!: i64"
           FROM counted c CROSS JOIN messages m ON m.number = c.number
           WHERE c.nth = 1 OR (c.nth <= ?4 AND c.bytes <= ?5)
           ORDER BY m.seq"#,
        conversation.0,
        before.0,
        candidates,
        messages,
        bytes,
    )
    .fetch_all(reads)
    .await?;
    let has_older = rows.first().is_some_and(|first| first.oldest < first.seq);
    let messages = rows.into_iter().map(|row| {
        let (seq, turn_id, token_count) = (row.seq, row.turn_id, row.token_count);
        WindowColumns { seq, turn_id, role: row.role, state: row.state, token_count, parts: row.parts }
    });
    let messages = messages.map(WindowMessage::try_from).collect::<Result<_, StoredError>>()?;
    Ok(Window { messages, has_older })
}
