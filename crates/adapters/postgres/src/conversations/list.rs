//! Lists of conversations.

use domain::{Conversation, Label, ModelName, Page, ProjectId, UserId};
use ports::ConversationFilter;
use stored::{count_from, readable};

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::select_conversations;

/// A statement over the caller's conversations that match a filter; takes what comes after the conditions, and its
/// arguments.
macro_rules! matching {
    ($statement:ident, $caller:ident, $filter:ident, $tail:literal $(, $argument:expr)* $(,)?) => {
        $statement!(
            "",
            "FROM omnichat.conversations c
             WHERE c.deleted_at IS NULL AND c.owner = $1
               AND ($2::text IS NULL OR c.label = $2)
               AND ($3::text IS NULL OR c.project = $3)
               AND ($4::bigint IS NULL OR c.persona_id = $4)
               AND (NOT $5::boolean OR c.persona_id IS NOT NULL)
               AND ($6::text IS NULL OR coalesce(c.model, c.last_model) = $6)
               AND ($7::timestamptz IS NULL OR c.created_at >= $7)
               AND ($8::timestamptz IS NULL OR c.created_at < $8) " + $tail,
            $caller.0,
            $filter.label.as_ref().map(Label::as_str),
            $filter.project.as_ref().map(ProjectId::as_str),
            $filter.persona.map(|persona| persona.0),
            $filter.any_persona,
            $filter.model.as_ref().map(ModelName::as_str),
            $filter.created_from,
            $filter.created_before
            $(, $argument)*
        )
    };
}

macro_rules! count_conversations {
    ($head:literal, $tail:literal $(+ $more:literal)* $(, $argument:expr)*) => {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" "# + $tail $(+ $more)* $(, $argument)*)
    };
}

impl PostgresStore {
    pub(super) async fn list_conversations(
        &self,
        caller: UserId,
        filter: &ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, DbError> {
        let list = |pool| {
            matching!(
                select_conversations,
                caller,
                filter,
                "ORDER BY c.updated_at DESC, c.id DESC LIMIT $9 OFFSET $10",
                i64::from(page.limit),
                i64::from(page.offset),
            )
            .fetch_all(pool)
        };
        Ok(readable(self.pool.run(list).await?, "conversation", |row| row.id))
    }

    pub(super) async fn count_conversations(
        &self,
        caller: UserId,
        filter: &ConversationFilter,
    ) -> Result<u64, DbError> {
        let count = |pool| matching!(count_conversations, caller, filter, "").fetch_one(pool);
        Ok(count_from(self.pool.run(count).await?)?)
    }
}
