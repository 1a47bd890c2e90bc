//! Messages along the active path, as they are listed.

use domain::{ConversationId, Message, MessagePage, SortOrder, UserId};
use sqlx::SqlitePool;
use stored::{MessageColumns, readable};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::json_of;

/// `SELECT` of whole messages; takes the end of the statement and its arguments.
macro_rules! select_messages {
    ($tail:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            MessageColumns::<i64>,
            r#"SELECT m.id AS "id: Uuid", m.number AS "number!", m.conversation_id AS "conversation_id: Uuid",
                 m.seq, m.parent, m.turn_id AS "turn_id: Uuid", m.role, m.parts, m.state, m.created_at,
                 t.model AS "model?", t.input_tokens AS "input_tokens?", t.cached_tokens AS "cached_tokens?",
                 t.output_tokens AS "output_tokens?", t.reasoning_tokens AS "reasoning_tokens?",
                 t.usage_estimated AS "usage_estimated?: bool", t.response_time_ms AS "response_time_ms?"
               FROM messages m LEFT JOIN turns t ON t.id = m.turn_id AND t.reply_seq = m.seq "# + $tail $(+ $more)*
            $(, $argument)*
        )
    };
}

/// A page of one conversation; `$order` is `ASC` or `DESC`.
macro_rules! select_page {
    ($conversation:ident, $limit:ident, $offset:ident, $order:literal) => {
        select_messages!(
            "WHERE m.conversation_id = ?1 AND m.active = 1 AND m.deleted_at IS NULL
             ORDER BY m.seq "
                + $order
                + " LIMIT ?2 OFFSET ?3",
            $conversation,
            $limit,
            $offset,
        )
    };
}

/// A page of one conversation.
pub(super) async fn page(
    reads: &SqlitePool,
    conversation: Uuid,
    page: MessagePage,
) -> Result<Vec<Message>, DbError> {
    // A limit below zero is none.
    let limit = page.limit.map_or(-1, i64::from);
    let offset = i64::from(page.offset);
    let rows = match page.order {
        SortOrder::Ascending => select_page!(conversation, limit, offset, "ASC").fetch_all(reads).await?,
        SortOrder::Descending => select_page!(conversation, limit, offset, "DESC").fetch_all(reads).await?,
    };
    Ok(readable(rows, "message", |row| row.id))
}

/// All messages of those of the conversations that are the caller's.
pub(super) async fn of(
    reads: &SqlitePool,
    caller: UserId,
    conversations: &[ConversationId],
) -> Result<Vec<Message>, DbError> {
    let ids: Vec<Simple> = conversations.iter().map(|id| id.0.simple()).collect();
    let ids = json_of(&ids)?;
    let rows = select_messages!(
        "WHERE m.conversation_id IN (SELECT c.id
             FROM json_each(?1) AS j CROSS JOIN conversations c ON c.id = unhex(j.value)
             WHERE c.owner = ?2 AND c.deleted_at IS NULL)
           AND m.active = 1 AND m.deleted_at IS NULL
         ORDER BY m.conversation_id, m.seq",
        ids,
        caller.0,
    )
    .fetch_all(reads)
    .await?;
    Ok(readable(rows, "message", |row| row.id))
}
