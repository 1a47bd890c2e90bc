//! Conversations and their messages, as they are read and edited.
//!
//! Each change is one statement that changes the row only where it is the caller's. The row of another owner is returned
//! unchanged, so that the result tells foreign conversations from absent ones.

mod messages;

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, HistoryLocation, JsonText, Label,
    MessageKey, MessagePage, ModelName, NewConversation, Page, ProjectId, Seq, Timestamp, Title, TurnId,
    UserId,
};
use ports::{
    Access, ConversationFilter, ConversationStore, LastPage, MessageBatch, MessagesOfSeveral, Purged,
    StoreError,
};
use stored::{ConversationColumns, KeyColumns, contract_names, count_from, readable};

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::select_conversations;

/// A filter as the arguments of a statement; `None` is no condition.
struct Conditions<'a> {
    owner: i64,
    label: Option<&'a str>,
    project: Option<&'a str>,
    persona: Option<i64>,
    any_persona: bool,
    model: Option<&'a str>,
    /// The contracts whose default that model is.
    default_of: Vec<&'static str>,
    created_from: Option<Timestamp>,
    created_before: Option<Timestamp>,
}

impl<'a> Conditions<'a> {
    fn new(caller: UserId, filter: &'a ConversationFilter) -> Self {
        let model = filter.model.as_ref();
        Self {
            owner: caller.0,
            label: filter.label.as_ref().map(Label::as_str),
            project: filter.project.as_ref().map(ProjectId::as_str),
            persona: filter.persona.map(|persona| persona.0),
            any_persona: filter.any_persona,
            model: model.map(|model| model.name.as_str()),
            default_of: model.map_or_else(Vec::new, |model| contract_names(&model.default_of)),
            created_from: filter.created_from,
            created_before: filter.created_before,
        }
    }
}

/// A statement over the conversations that meet conditions; takes what comes before them and after the conditions, and
/// its arguments.
macro_rules! matching {
    ($statement:ident, $conditions:ident, $before:literal, $after:literal $(, $argument:expr)* $(,)?) => {
        $statement!(
            "",
            $before + "FROM omnichat.conversations c
             WHERE c.deleted_at IS NULL AND c.owner = $1
               AND ($2::text IS NULL OR c.label = $2)
               AND ($3::text IS NULL OR c.project = $3)
               AND ($4::bigint IS NULL OR c.persona_id = $4)
               AND (NOT $5::boolean OR c.persona_id IS NOT NULL)
               AND ($6::text IS NULL
                 OR coalesce(c.model, c.last_model, CASE WHEN c.begun_by = ANY ($9::text[]) THEN $6 END) = $6)
               AND ($7::timestamptz IS NULL OR c.created_at >= $7)
               AND ($8::timestamptz IS NULL OR c.created_at < $8) " + $after,
            $conditions.owner,
            $conditions.label,
            $conditions.project,
            $conditions.persona,
            $conditions.any_persona,
            $conditions.model,
            $conditions.created_from,
            $conditions.created_before,
            $conditions.default_of.as_slice() as _
            $(, $argument)*
        )
    };
}

macro_rules! count_conversations {
    ($head:literal, $tail:literal $(+ $more:literal)* $(, $argument:expr)*) => {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" "# + $tail $(+ $more)* $(, $argument)*)
    };
}

#[async_trait]
impl ConversationStore for PostgresStore {
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError> {
        let provider = match &new.home {
            HistoryLocation::Local => None,
            HistoryLocation::OpenAi(id) => Some(id.as_str()),
        };
        let insert = |pool| {
            select_conversations!(
                "WITH made AS (
                   INSERT INTO omnichat.conversations (id, owner, label, project, persona_id, begun_by, provider_id,
                     title, model, metadata, application_id, created_at, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, $12)
                   RETURNING *
                 )",
                "FROM made c",
                new.id.0,
                new.owner.0,
                new.label.as_str(),
                new.project.as_ref().map(ProjectId::as_str),
                new.persona.map(|persona| persona.0),
                stored::contract_name(new.begun_by),
                provider,
                new.title.as_ref().map(Title::as_str),
                new.model.as_ref().map(ModelName::as_str),
                new.metadata.as_str(),
                new.application,
                new.at,
            )
            .fetch_one(pool)
        };
        let row = self.pool.run(insert).await?;
        Ok(row.try_into()?)
    }

    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let read = |pool| {
            select_conversations!(
                "",
                "FROM omnichat.conversations c
                 WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NULL",
                key.id,
                key.number,
                key.provider_id.as_deref(),
            )
            .fetch_optional(pool)
        };
        Ok(access(caller, self.pool.run(read).await?)?)
    }

    async fn list(
        &self,
        caller: UserId,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, StoreError> {
        let conditions = Conditions::new(caller, &filter);
        // The page is found by narrow rows, and only its own rows are read in full: a user may have 100,000 of them.
        let list = |pool| {
            matching!(
                select_conversations,
                conditions,
                "FROM (SELECT c.id ",
                "ORDER BY c.updated_at DESC, c.id DESC LIMIT $10 OFFSET $11) p
                 JOIN omnichat.conversations c ON c.id = p.id
                 ORDER BY c.updated_at DESC, c.id DESC",
                i64::from(page.limit),
                i64::from(page.offset),
            )
            .fetch_all(pool)
        };
        Ok(readable(self.pool.run(list).await?, "conversation", |row| row.id))
    }

    async fn count(&self, caller: UserId, filter: ConversationFilter) -> Result<u64, StoreError> {
        let conditions = Conditions::new(caller, &filter);
        let count = |pool| matching!(count_conversations, conditions, "", "").fetch_one(pool);
        Ok(count_from(self.pool.run(count).await?)?)
    }

    async fn messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<MessageBatch>, StoreError> {
        Ok(self.read_messages(caller, key, page).await?)
    }

    async fn last_page(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
        skip: u32,
    ) -> Result<Access<LastPage>, StoreError> {
        Ok(self.find_last_page(caller, key, page, skip).await?)
    }

    async fn position(
        &self,
        caller: UserId,
        key: ConversationKey,
        message: MessageKey,
    ) -> Result<Access<Option<Seq>>, StoreError> {
        Ok(self.find_position(caller, key, message).await?)
    }

    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<MessagesOfSeveral, StoreError> {
        Ok(self.read_messages_of(caller, &conversations).await?)
    }

    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let ConversationPatch { title, metadata, model, persona } = patch;
        let update = |pool| {
            select_conversations!(
                "WITH target AS (
                   SELECT * FROM omnichat.conversations c
                   WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NULL
                 ),
                 changed AS (
                   UPDATE omnichat.conversations c
                   SET title = coalesce($5, c.title), metadata = c.metadata || coalesce($6::text::jsonb, '{}'),
                     model = coalesce($7, c.model), persona_id = coalesce($8, c.persona_id), updated_at = $9
                   FROM target t
                   WHERE c.id = t.id AND c.owner = $4 AND c.deleted_at IS NULL
                   RETURNING c.*
                 )",
                "FROM (SELECT * FROM changed UNION ALL SELECT * FROM target WHERE owner <> $4) c",
                key.id,
                key.number,
                key.provider_id.as_deref(),
                caller.0,
                title.as_ref().map(Title::as_str),
                metadata.as_ref().map(JsonText::as_str),
                model.as_ref().map(ModelName::as_str),
                persona.map(|persona| persona.0),
                at,
            )
            .fetch_optional(pool)
        };
        Ok(access(caller, self.pool.run(update).await?)?)
    }

    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError> {
        let key = KeyColumns::from(key);
        let update = |pool| {
            sqlx::query!(
                r#"WITH target AS (
                     SELECT c.id, c.owner FROM omnichat.conversations c
                     WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NULL
                   ),
                   changed AS (
                     UPDATE omnichat.conversations c SET deleted_at = $5, updated_at = $5
                     FROM target t
                     WHERE c.id = t.id AND c.owner = $4 AND c.deleted_at IS NULL
                     RETURNING c.id, c.owner
                   )
                   SELECT c.id AS "id!", c.owner AS "owner!"
                   FROM (SELECT * FROM changed UNION ALL SELECT * FROM target WHERE owner <> $4) c"#,
                key.id,
                key.number,
                key.provider_id.as_deref(),
                caller.0,
                at,
            )
            .fetch_optional(pool)
        };
        let row = self.pool.run(update).await?;
        Ok(Access::of(caller, row.map(|row| (UserId(row.owner), ConversationId(row.id)))))
    }

    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let update = |pool| {
            select_conversations!(
                "WITH target AS (
                   SELECT * FROM omnichat.conversations c
                   WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NOT NULL
                 ),
                 changed AS (
                   UPDATE omnichat.conversations c SET deleted_at = NULL, updated_at = $5
                   FROM target t
                   WHERE c.id = t.id AND c.owner = $4 AND c.deleted_at IS NOT NULL
                   RETURNING c.*
                 )",
                "FROM (SELECT * FROM changed UNION ALL SELECT * FROM target WHERE owner <> $4) c",
                key.id,
                key.number,
                key.provider_id.as_deref(),
                caller.0,
                at,
            )
            .fetch_optional(pool)
        };
        Ok(access(caller, self.pool.run(update).await?)?)
    }

    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError> {
        let key = KeyColumns::from(key);
        // The turn to stop is the one that the row has when it is deleted, not when the statement began.
        let delete = |pool| {
            sqlx::query!(
                r#"WITH target AS (
                     SELECT c.id, c.owner FROM omnichat.conversations c
                     WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3))
                   ),
                   purged AS (
                     DELETE FROM omnichat.conversations c USING target t
                     WHERE c.id = t.id AND c.owner = $4
                     RETURNING c.id, c.owner, c.running_turn
                   )
                   SELECT p.id AS "id!", p.owner AS "owner!", p.running_turn FROM purged p
                   UNION ALL SELECT t.id, t.owner, NULL FROM target t WHERE t.owner <> $4"#,
                key.id,
                key.number,
                key.provider_id.as_deref(),
                caller.0,
            )
            .fetch_optional(pool)
        };
        let purged = self.pool.run(delete).await?.map(|row| {
            let running = row.running_turn.map(TurnId);
            (UserId(row.owner), Purged { id: ConversationId(row.id), running })
        });
        Ok(Access::of(caller, purged))
    }
}

/// The access of a caller to a conversation that was looked for.
fn access(
    caller: UserId,
    row: Option<ConversationColumns<Timestamp>>,
) -> Result<Access<Conversation>, DbError> {
    let access = Access::of(caller, row.map(|row| (UserId(row.owner), row)));
    Ok(access.try_map(Conversation::try_from)?)
}
