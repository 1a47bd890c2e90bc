//! Messages along the active path.

use domain::{ConversationId, ConversationKey, Message, MessagePage, SortOrder, Timestamp, UserId};
use ports::{Access, ConversationStore};
use stored::{KeyColumns, MessageColumns, readable};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;

/// A statement that returns messages; `$tail` comes after its tables.
macro_rules! select_messages {
    ($tail:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            MessageColumns::<Timestamp>,
            r#"SELECT m.id, m.number, m.conversation_id, m.seq, m.parent, m.turn_id, m.role, m.parts, m.state,
                 m.created_at, t.model AS "model?", t.input_tokens AS "input_tokens?",
                 t.cached_tokens AS "cached_tokens?", t.output_tokens AS "output_tokens?",
                 t.reasoning_tokens AS "reasoning_tokens?", t.usage_estimated AS "usage_estimated?",
                 t.response_time_ms AS "response_time_ms?"
               FROM omnichat.messages m
               LEFT JOIN omnichat.turns t ON t.id = m.turn_id AND t.reply_seq = m.seq "# + $tail $(+ $more)*
            $(, $argument)*
        )
    };
}

/// A page of one conversation. Its id comes from a subquery, so that the index returns the messages in their order, and
/// a page of a long conversation reads only that page.
macro_rules! select_page {
    ($key:ident, $caller:ident, $page:ident, $order:literal) => {
        select_messages!(
            "WHERE m.conversation_id = (
               SELECT c.id FROM omnichat.conversations c
               WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.owner = $4 AND c.deleted_at IS NULL
             ) AND m.active AND m.deleted_at IS NULL ORDER BY m.seq " + $order + " LIMIT $5 OFFSET $6",
            $key.id,
            $key.number,
            $key.provider_id.as_deref(),
            $caller.0,
            $page.limit.map(i64::from),
            i64::from($page.offset),
        )
    };
}

impl PostgresStore {
    pub(super) async fn read_messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<Vec<Message>>, DbError> {
        let columns = KeyColumns::from(key.clone());
        let rows = match page.order {
            SortOrder::Ascending => {
                let read = |pool| select_page!(columns, caller, page, "ASC").fetch_all(pool);
                self.pool.run(read).await?
            }
            SortOrder::Descending => {
                let read = |pool| select_page!(columns, caller, page, "DESC").fetch_all(pool);
                self.pool.run(read).await?
            }
        };
        if rows.is_empty() {
            // Either there are none, or the conversation is not the caller's.
            let found = ConversationStore::find(self, caller, key).await.map_err(DbError::from)?;
            return Ok(found.map(|_| Vec::new()));
        }
        Ok(Access::Granted(readable(rows, "message", |row| row.id)))
    }

    pub(super) async fn read_messages_of(
        &self,
        caller: UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Message>, DbError> {
        let ids: Vec<Uuid> = conversations.iter().map(|id| id.0).collect();
        let read = |pool| {
            select_messages!(
                "JOIN omnichat.conversations c ON c.id = m.conversation_id
                 WHERE m.conversation_id = ANY ($1) AND c.owner = $2 AND c.deleted_at IS NULL
                   AND m.active AND m.deleted_at IS NULL
                 ORDER BY m.conversation_id, m.seq",
                ids.as_slice(),
                caller.0,
            )
            .fetch_all(pool)
        };
        Ok(readable(self.pool.run(read).await?, "message", |row| row.id))
    }
}
