//! Messages along the active path.
//!
//! A list is read in batches. The sizes of its rows are added up before their texts are read: `octet_length` of a large
//! text reads its size alone.

use domain::limits::{BATCH_BYTES, LIST_ROWS};
use domain::{ConversationId, ConversationKey, MessageKey, MessagePage, Seq, SortOrder, UserId};
use ports::{Access, ConversationStore, LastPage, MessageBatch, MessagesOfSeveral};
use stored::{KeyColumns, last_page, listed_columns, message_batch, messages_of_several};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;

/// The first rows of a list: `$rows` begins with further columns of `m` or with its tables, `$order` is that of the
/// list. The arguments of `$rows` begin with the third.
macro_rules! select_batch {
    ($rows:literal $(+ $more:literal)*, $order:literal, $limit:expr $(, $argument:expr)* $(,)?) => {
        sqlx::query!(
            r#"SELECT m.id AS "id!", m.number AS "number!", m.conversation_id AS "conversation_id!", m.seq AS "seq!",
                 m.parent AS "parent?", m.turn_id AS "turn_id?", m.role AS "role!", m.parts AS "parts!",
                 m.state AS "state!", m.created_at AS "created_at!", m.found AS "found!", t.model AS "model?",
                 t.input_tokens AS "input_tokens?", t.cached_tokens AS "cached_tokens?",
                 t.output_tokens AS "output_tokens?", t.reasoning_tokens AS "reasoning_tokens?",
                 t.usage_estimated AS "usage_estimated?", t.response_time_ms AS "response_time_ms?"
               FROM (
                 SELECT m.*, count(*) OVER () AS found, row_number() OVER list AS nth,
                   sum(octet_length(m.parts)) OVER list AS bytes
                 FROM (
                   SELECT m.id, m.number, m.conversation_id, m.seq, m.parent, m.turn_id, m.role, m.parts, m.state,
                     m.created_at "# + $rows $(+ $more)* + r#"
                   LIMIT $1::bigint + 1
                 ) m
                 WINDOW list AS (ORDER BY "# + $order + r#" ROWS UNBOUNDED PRECEDING)
               ) m
               LEFT JOIN omnichat.turns t ON t.id = m.turn_id AND t.reply_seq = m.seq
               WHERE m.nth = 1 OR (m.nth <= $1::bigint AND m.bytes <= $2::bigint)
               ORDER BY "# + $order,
            i64::from($limit),
            i64::from(BATCH_BYTES)
            $(, $argument)*
        )
        .map(|row| listed_columns!(row))
    };
}

/// A batch of one conversation. Its id comes from a subquery, so that the index returns the messages in their order, and
/// a page of a long conversation reads only that page.
macro_rules! select_page {
    ($page:ident, $key:ident, $caller:ident, $order:literal) => {
        select_batch!(
            "FROM omnichat.messages m
             WHERE m.conversation_id = (
               SELECT c.id FROM omnichat.conversations c
               WHERE c.id = coalesce($3, omnichat.conversation_by($4, $5)) AND c.owner = $6 AND c.deleted_at IS NULL
             ) AND m.seq > $7 AND m.seq < $8 AND m.active AND m.deleted_at IS NULL
             ORDER BY " + $order,
            $order,
            $page.batch_rows(),
            $key.id,
            $key.number,
            $key.provider_id.as_deref(),
            $caller.0,
            $page.bounds().0.0,
            $page.bounds().1.0,
        )
    };
}

/// The positions at the end of a page: the order is the opposite of that of the list.
macro_rules! select_ends {
    ($page:ident, $skip:ident, $key:ident, $caller:ident, $order:literal) => {
        sqlx::query!(
            r#"SELECT count(*) AS "found!", min(m.seq) AS lowest, max(m.seq) AS highest
               FROM (
                 SELECT m.seq FROM omnichat.messages m
                 WHERE m.conversation_id = (
                   SELECT c.id FROM omnichat.conversations c
                   WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.owner = $4
                     AND c.deleted_at IS NULL
                 ) AND m.seq > $5 AND m.seq < $6 AND m.active AND m.deleted_at IS NULL
                 ORDER BY "#
                + $order
                + " LIMIT $7 OFFSET $8
               ) m",
            $key.id,
            $key.number,
            $key.provider_id.as_deref(),
            $caller.0,
            $page.bounds().0.0,
            $page.bounds().1.0,
            $page.limit.map_or(1, |limit| i64::from(limit) + 1),
            i64::from($skip),
        )
        .map(|row| (row.found, row.lowest.zip(row.highest)))
    };
}

impl PostgresStore {
    pub(super) async fn read_messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<MessageBatch>, DbError> {
        let columns = KeyColumns::from(key.clone());
        let rows = match page.order {
            SortOrder::Ascending => {
                let read = |pool| select_page!(page, columns, caller, "m.seq").fetch_all(pool);
                self.pool.run(read).await?
            }
            SortOrder::Descending => {
                let read = |pool| select_page!(page, columns, caller, "m.seq DESC").fetch_all(pool);
                self.pool.run(read).await?
            }
        };
        if rows.is_empty() {
            // Either there are none, or the conversation is not the caller's.
            let found = ConversationStore::find(self, caller, key).await.map_err(DbError::from)?;
            return Ok(found.map(|_| MessageBatch::default()));
        }
        Ok(Access::Granted(message_batch(rows, page)))
    }

    pub(super) async fn find_last_page(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
        skip: u32,
    ) -> Result<Access<LastPage>, DbError> {
        let columns = KeyColumns::from(key.clone());
        let (found, ends) = match page.order {
            SortOrder::Ascending => {
                let read = |pool| select_ends!(page, skip, columns, caller, "m.seq DESC").fetch_one(pool);
                self.pool.run(read).await?
            }
            SortOrder::Descending => {
                let read = |pool| select_ends!(page, skip, columns, caller, "m.seq").fetch_one(pool);
                self.pool.run(read).await?
            }
        };
        let last = last_page(page, found, ends);
        if found == 0 {
            // Either there are none, or the conversation is not the caller's.
            let access = ConversationStore::find(self, caller, key).await.map_err(DbError::from)?;
            return Ok(access.map(|_| last));
        }
        Ok(Access::Granted(last))
    }

    pub(super) async fn find_position(
        &self,
        caller: UserId,
        key: ConversationKey,
        message: MessageKey,
    ) -> Result<Access<Option<Seq>>, DbError> {
        let key = KeyColumns::from(key);
        let (id, number) = match message {
            MessageKey::Id(id) => (Some(id.0), None),
            MessageKey::Number(number) => (None, Some(number.0)),
        };
        let read = |pool| {
            sqlx::query!(
                r#"SELECT c.owner, m.seq AS "seq?"
                   FROM omnichat.conversations c
                   LEFT JOIN omnichat.messages m ON m.conversation_id = c.id
                     AND m.id = coalesce($4, (SELECT n.id FROM omnichat.messages n WHERE n.number = $5))
                   WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NULL"#,
                key.id,
                key.number,
                key.provider_id.as_deref(),
                id,
                number,
            )
            .fetch_optional(pool)
        };
        let row = self.pool.run(read).await?;
        Ok(Access::of(caller, row.map(|row| (UserId(row.owner), row.seq.map(Seq)))))
    }

    pub(super) async fn read_messages_of(
        &self,
        caller: UserId,
        conversations: &[ConversationId],
    ) -> Result<MessagesOfSeveral, DbError> {
        let ids: Vec<Uuid> = conversations.iter().map(|id| id.0).collect();
        let read = |pool| {
            select_batch!(
                ", asked.place
                 FROM unnest($3::uuid[]) WITH ORDINALITY asked (id, place)
                 JOIN omnichat.conversations c ON c.id = asked.id
                 JOIN omnichat.messages m ON m.conversation_id = c.id
                 WHERE c.owner = $4 AND c.deleted_at IS NULL AND m.active AND m.deleted_at IS NULL
                 ORDER BY asked.place, m.seq",
                "m.place, m.seq",
                LIST_ROWS,
                ids.as_slice(),
                caller.0,
            )
            .fetch_all(pool)
        };
        Ok(messages_of_several(self.pool.run(read).await?))
    }
}
