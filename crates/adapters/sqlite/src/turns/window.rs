//! Pages of the active path, newest first in their choice, oldest first in their order.

use domain::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use domain::{ConversationId, Seq, WindowMessage};
use ports::Window;
use sqlx::SqlitePool;

use crate::error::DbError;
use crate::rows::WindowRow;

/// The newest messages before a place, as many as a page holds; one at least, where there is any.
pub(super) async fn before(
    reads: &SqlitePool,
    conversation: ConversationId,
    before: Seq,
) -> Result<Window, DbError> {
    if before.0 <= 1 {
        return Ok(Window::default());
    }
    // One row beyond the page tells whether there are older ones. Sizes are read without the texts.
    let candidates = i64::from(WINDOW_MESSAGES) + 1;
    let (messages, bytes) = (i64::from(WINDOW_MESSAGES), i64::from(WINDOW_BYTES));
    let rows = sqlx::query_as!(
        WindowRow,
        r#"WITH newest AS MATERIALIZED (
               SELECT number, seq, octet_length(parts) AS bytes FROM messages
               WHERE conversation_id = ?1 AND seq < ?2 AND active = 1 AND deleted_at IS NULL
               ORDER BY seq DESC LIMIT ?3),
             counted AS (
               SELECT number, row_number() OVER place AS nth, sum(bytes) OVER place AS bytes FROM newest
               WINDOW place AS (ORDER BY seq DESC ROWS UNBOUNDED PRECEDING))
           SELECT m.seq, m.turn_id AS "turn_id: uuid::Uuid", m.role, m.parts, m.state, m.token_count,
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
    let messages = rows.into_iter().map(WindowMessage::try_from).collect::<Result<_, DbError>>()?;
    Ok(Window { messages, has_older })
}
