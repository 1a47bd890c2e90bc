//! Changes of conversations.
//!
//! Each is one statement that changes the row only where it is the caller's. The row of another owner is returned
//! unchanged, so that the result tells foreign conversations from absent ones.

use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, JsonText, ModelName, Timestamp, Title,
    TurnId, UserId,
};
use ports::{Access, Purged};
use stored::KeyColumns;

use super::access;
use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::select_conversations;

impl PostgresStore {
    pub(super) async fn edit(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, DbError> {
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
        access(caller, self.pool.run(update).await?)
    }

    pub(super) async fn hide(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, DbError> {
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

    pub(super) async fn show(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, DbError> {
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
        access(caller, self.pool.run(update).await?)
    }

    pub(super) async fn delete_for_good(
        &self,
        caller: UserId,
        key: ConversationKey,
    ) -> Result<Access<Purged>, DbError> {
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
