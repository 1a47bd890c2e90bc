//! Messages along the active path, as they are listed.
//!
//! A list is read in batches. The sizes of its rows are added up before their texts are read: `octet_length` of a text
//! reads its size alone.

use domain::limits::{BATCH_BYTES, LIST_ROWS};
use domain::{ConversationId, MessageKey, MessagePage, Seq, SortOrder, UserId};
use ports::{LastPage, MessageBatch, MessagesOfSeveral};
use sqlx::SqlitePool;
use stored::{last_page, listed_columns, message_batch, messages_of_several};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::json_of;

/// The first rows of a list: `$rows` is the rest of a `SELECT` with its order, `$place` is the first column of that
/// order, and `$direction` is `ASC` or `DESC`. The arguments of `$rows` begin with the third.
macro_rules! select_batch {
    ($place:literal, $rows:literal $(+ $more:literal)*, $direction:literal, $limit:expr
     $(, $argument:expr)* $(,)?) => {
        sqlx::query!(
            "WITH candidates AS MATERIALIZED (
               SELECT " + $place + " AS place, m.number, m.seq, octet_length(m.parts) AS bytes "
                + $rows $(+ $more)*
                + " LIMIT ?1 + 1),
             counted AS (
               SELECT number, count(*) OVER () AS found, row_number() OVER list AS nth, sum(bytes) OVER list AS bytes
               FROM candidates
               WINDOW list AS (ORDER BY place " + $direction + ", seq " + $direction
                + r#" ROWS UNBOUNDED PRECEDING))
             SELECT m.id AS "id!: Uuid", m.number AS "number!: i64", m.conversation_id AS "conversation_id!: Uuid",
               m.seq AS "seq!: i64", m.parent AS "parent?: i64", m.turn_id AS "turn_id?: Uuid",
               m.role AS "role!: String", m.parts AS "parts!: String", m.state AS "state!: String",
               m.created_at AS "created_at!: i64", c.found AS "found!: i64", t.model AS "model?: String",
               t.input_tokens AS "input_tokens?: i64", t.cached_tokens AS "cached_tokens?: i64",
               t.output_tokens AS "output_tokens?: i64", t.reasoning_tokens AS "reasoning_tokens?: i64",
               t.usage_estimated AS "usage_estimated?: bool", t.response_time_ms AS "response_time_ms?: i64"
             FROM counted c CROSS JOIN messages m ON m.number = c.number
             LEFT JOIN turns t ON t.id = m.turn_id AND t.reply_seq = m.seq
             WHERE c.nth = 1 OR (c.nth <= ?1 AND c.bytes <= ?2)
             ORDER BY c.nth"#,
            $limit,
            BATCH_BYTES
            $(, $argument)*
        )
        .map(|row| listed_columns!(row))
    };
}

macro_rules! select_page {
    ($limit:ident, $conversation:ident, $lower:ident, $upper:ident, $direction:literal) => {
        select_batch!(
            "m.seq",
            "FROM messages m
             WHERE m.conversation_id = ?3 AND m.seq > ?4 AND m.seq < ?5 AND m.active = 1 AND m.deleted_at IS NULL
             ORDER BY m.seq " + $direction,
            $direction,
            $limit,
            $conversation,
            $lower,
            $upper,
        )
    };
}

/// The first messages of a page.
pub(super) async fn batch(
    reads: &SqlitePool,
    conversation: Uuid,
    page: MessagePage,
) -> Result<MessageBatch, DbError> {
    let (limit, (Seq(lower), Seq(upper))) = (page.batch_rows(), page.bounds());
    let rows = match page.order {
        SortOrder::Ascending => {
            select_page!(limit, conversation, lower, upper, "ASC").fetch_all(reads).await?
        }
        SortOrder::Descending => {
            select_page!(limit, conversation, lower, upper, "DESC").fetch_all(reads).await?
        }
    };
    Ok(message_batch(rows, page))
}

/// The positions at the end of a page: the order is the opposite of that of the list.
macro_rules! select_ends {
    ($conversation:ident, $lower:ident, $upper:ident, $rows:ident, $skip:ident, $direction:literal) => {
        sqlx::query!(
            r#"SELECT count(*) AS "found!: i64", min(seq) AS "lowest?: i64", max(seq) AS "highest?: i64"
               FROM (
                 SELECT m.seq AS seq FROM messages m
                 WHERE m.conversation_id = ?1 AND m.seq > ?2 AND m.seq < ?3 AND m.active = 1
                   AND m.deleted_at IS NULL
                 ORDER BY m.seq "#
                + $direction
                + " LIMIT ?4 OFFSET ?5)",
            $conversation,
            $lower,
            $upper,
            $rows,
            $skip,
        )
        .map(|row| (row.found, row.lowest.zip(row.highest)))
    };
}

/// The end of a page.
pub(super) async fn last(
    reads: &SqlitePool,
    conversation: Uuid,
    page: MessagePage,
    skip: u32,
) -> Result<LastPage, DbError> {
    let (Seq(lower), Seq(upper)) = page.bounds();
    let rows = page.limit.map_or(1, |limit| i64::from(limit) + 1);
    let (found, ends) = match page.order {
        SortOrder::Ascending => {
            select_ends!(conversation, lower, upper, rows, skip, "DESC").fetch_one(reads).await?
        }
        SortOrder::Descending => {
            select_ends!(conversation, lower, upper, rows, skip, "ASC").fetch_one(reads).await?
        }
    };
    Ok(last_page(page, found, ends))
}

/// The position of a message, if it belongs to this conversation.
pub(super) async fn position(
    reads: &SqlitePool,
    conversation: Uuid,
    message: MessageKey,
) -> Result<Option<Seq>, DbError> {
    let (id, number) = match message {
        MessageKey::Id(id) => (Some(id.0), None),
        MessageKey::Number(number) => (None, Some(number.0)),
    };
    let seq = sqlx::query_scalar!(
        "SELECT m.seq FROM messages m
         WHERE m.number = coalesce(?1, (SELECT n.number FROM messages n WHERE n.id = ?2))
           AND m.conversation_id = ?3",
        number,
        id,
        conversation,
    )
    .fetch_optional(reads)
    .await?;
    Ok(seq.map(Seq))
}

/// The first messages of those of the conversations that are the caller's.
pub(super) async fn of_several(
    reads: &SqlitePool,
    caller: UserId,
    conversations: &[ConversationId],
) -> Result<MessagesOfSeveral, DbError> {
    let ids: Vec<Simple> = conversations.iter().map(|id| id.0.simple()).collect();
    let ids = json_of(&ids)?;
    let rows = select_batch!(
        "asked.key",
        "FROM json_each(?3) AS asked CROSS JOIN conversations c ON c.id = unhex(asked.value)
         CROSS JOIN messages m ON m.conversation_id = c.id
         WHERE c.owner = ?4 AND c.deleted_at IS NULL AND m.active = 1 AND m.deleted_at IS NULL
         ORDER BY asked.key, m.seq",
        "ASC",
        LIST_ROWS,
        ids,
        caller.0,
    )
    .fetch_all(reads)
    .await?;
    Ok(messages_of_several(rows))
}
