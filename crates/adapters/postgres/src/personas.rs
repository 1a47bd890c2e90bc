//! Personas, and the totals of the conversations with them.

use async_trait::async_trait;
use domain::{ConversationKey, Page, PersonaId, Relation, Timestamp, TurnId, UserId};
use ports::{Access, NewPersona, PersonaChatTotals, PersonaPatch, PersonaRecord, PersonaStore, StoreError};
use stored::{KeyColumns, PersonaColumns, count_from, readable};

use crate::PostgresStore;

#[async_trait]
impl PersonaStore for PostgresStore {
    async fn create(&self, new: NewPersona) -> Result<PersonaRecord, StoreError> {
        let NewPersona { owner, name, description, relation, at } = new;
        let insert = |pool| {
            sqlx::query_as!(
                PersonaColumns::<Timestamp>,
                "INSERT INTO omnichat.personas (user_id, name, description, relation_type, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $5)
                 RETURNING id, user_id, name, description, relation_type, created_at, updated_at",
                owner.0,
                name,
                description.as_deref(),
                relation.as_str(),
                at,
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(insert).await?.try_into()?)
    }

    async fn find(&self, caller: UserId, id: PersonaId) -> Result<Access<PersonaRecord>, StoreError> {
        let read = |pool| {
            sqlx::query_as!(
                PersonaColumns::<Timestamp>,
                "SELECT id, user_id, name, description, relation_type, created_at, updated_at
                 FROM omnichat.personas WHERE id = $1",
                id.0,
            )
            .fetch_optional(pool)
        };
        Ok(PersonaColumns::access(self.pool.run(read).await?, caller)?)
    }

    async fn list(&self, caller: UserId, page: Page) -> Result<Vec<PersonaRecord>, StoreError> {
        let read = |pool| {
            sqlx::query_as!(
                PersonaColumns::<Timestamp>,
                "SELECT id, user_id, name, description, relation_type, created_at, updated_at
                 FROM omnichat.personas WHERE user_id = $1
                 ORDER BY updated_at DESC, id DESC LIMIT $2 OFFSET $3",
                caller.0,
                i64::from(page.limit),
                i64::from(page.offset),
            )
            .fetch_all(pool)
        };
        Ok(readable(self.pool.run(read).await?, "persona", |row| row.id))
    }

    async fn update(
        &self,
        caller: UserId,
        id: PersonaId,
        patch: PersonaPatch,
        at: Timestamp,
    ) -> Result<Access<PersonaRecord>, StoreError> {
        let PersonaPatch { name, description, relation } = patch;
        let update = |pool| {
            sqlx::query_as!(
                PersonaColumns::<Timestamp>,
                r#"WITH changed AS (
                     UPDATE omnichat.personas
                     SET name = coalesce($3, name), description = coalesce($4, description),
                       relation_type = coalesce($5, relation_type), updated_at = $6
                     WHERE id = $1 AND user_id = $2
                     RETURNING *
                   )
                   SELECT p.id AS "id!", p.user_id AS "user_id!", p.name AS "name!", p.description,
                     p.relation_type AS "relation_type!", p.created_at AS "created_at!",
                     p.updated_at AS "updated_at!"
                   FROM (
                     SELECT * FROM changed UNION ALL SELECT * FROM omnichat.personas WHERE id = $1 AND user_id <> $2
                   ) p"#,
                id.0,
                caller.0,
                name.as_deref(),
                description.as_deref(),
                relation.map(Relation::as_str),
                at,
            )
            .fetch_optional(pool)
        };
        Ok(PersonaColumns::access(self.pool.run(update).await?, caller)?)
    }

    async fn delete(&self, caller: UserId, id: PersonaId) -> Result<Access<Vec<TurnId>>, StoreError> {
        // The foreign key would delete the conversations too, but would not return the turns that run in them.
        let delete = |pool| {
            sqlx::query!(
                r#"WITH target AS (
                     SELECT p.id, p.user_id FROM omnichat.personas p WHERE p.id = $1
                   ),
                   purged AS (
                     DELETE FROM omnichat.conversations c USING target t
                     WHERE c.persona_id = t.id AND t.user_id = $2
                     RETURNING c.running_turn
                   ),
                   deleted AS (
                     DELETE FROM omnichat.personas p USING target t WHERE p.id = t.id AND p.user_id = $2
                     RETURNING p.id
                   )
                   SELECT t.user_id, d.id IS NOT NULL AS "is_deleted!",
                     coalesce((SELECT array_agg(g.running_turn) FROM purged g WHERE g.running_turn IS NOT NULL), '{}')
                       AS "running!"
                   FROM target t LEFT JOIN deleted d ON true"#,
                id.0,
                caller.0,
            )
            .fetch_optional(pool)
        };
        Ok(match self.pool.run(delete).await? {
            Some(row) if row.user_id != caller.0 => Access::Foreign,
            Some(row) if row.is_deleted => Access::Granted(row.running.into_iter().map(TurnId).collect()),
            // Another call may have just deleted it.
            Some(_) | None => Access::Absent,
        })
    }

    async fn has_persona(&self, key: ConversationKey) -> Result<bool, StoreError> {
        let key = KeyColumns::from(key);
        let read = |pool| {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (
                     SELECT FROM omnichat.conversations c
                     WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3))
                       AND c.deleted_at IS NULL AND c.persona_id IS NOT NULL
                   ) AS "has_persona!""#,
                key.id,
                key.number,
                key.provider_id.as_deref(),
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(read).await?)
    }

    async fn totals(&self, caller: UserId) -> Result<PersonaChatTotals, StoreError> {
        let read = |pool| {
            sqlx::query!(
                r#"SELECT count(*) AS "conversations!",
                     coalesce(sum((
                       SELECT count(*) FROM omnichat.messages m
                       WHERE m.conversation_id = c.id AND m.active AND m.deleted_at IS NULL
                     )), 0)::bigint AS "messages!",
                     coalesce(sum(c.input_tokens + c.output_tokens), 0)::bigint AS "tokens!"
                   FROM omnichat.conversations c
                   WHERE c.owner = $1 AND c.deleted_at IS NULL AND c.persona_id IS NOT NULL"#,
                caller.0,
            )
            .fetch_one(pool)
        };
        let sums = self.pool.run(read).await?;
        Ok(PersonaChatTotals {
            conversations: count_from(sums.conversations)?,
            messages: count_from(sums.messages)?,
            tokens: count_from(sums.tokens)?,
        })
    }
}
