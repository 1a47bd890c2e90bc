//! Personas, and the totals of the conversations with them.

mod edit;

use async_trait::async_trait;
use domain::{ConversationKey, Page, PersonaId, Timestamp, TurnId, UserId};
use ports::{Access, NewPersona, PersonaChatTotals, PersonaPatch, PersonaRecord, PersonaStore, StoreError};
use sqlx::SqliteExecutor;
use stored::{KeyColumns, PersonaColumns, count_from, readable};

use crate::SqliteStore;
use crate::error::DbError;

#[async_trait]
impl PersonaStore for SqliteStore {
    async fn create(&self, new: NewPersona) -> Result<PersonaRecord, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(edit::create(connection, new.clone()))).await?)
    }

    async fn find(&self, caller: UserId, id: PersonaId) -> Result<Access<PersonaRecord>, StoreError> {
        Ok(PersonaColumns::access(record_of(&self.reads, id).await?, caller)?)
    }

    async fn list(&self, caller: UserId, page: Page) -> Result<Vec<PersonaRecord>, StoreError> {
        let (limit, offset) = (i64::from(page.limit), i64::from(page.offset));
        let rows = sqlx::query_as!(
            PersonaColumns::<i64>,
            r#"SELECT id AS "id!", user_id, name, description, relation_type, created_at, updated_at
               FROM personas WHERE user_id = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3"#,
            caller.0,
            limit,
            offset,
        )
        .fetch_all(&self.reads)
        .await
        .map_err(DbError::from)?;
        Ok(readable(rows, "persona", |row| row.id))
    }

    async fn update(
        &self,
        caller: UserId,
        id: PersonaId,
        patch: PersonaPatch,
        at: Timestamp,
    ) -> Result<Access<PersonaRecord>, StoreError> {
        let update = self
            .writer
            .write(move |connection| Box::pin(edit::update(connection, caller, id, patch.clone(), at)));
        Ok(update.await?)
    }

    async fn delete(&self, caller: UserId, id: PersonaId) -> Result<Access<Vec<TurnId>>, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(edit::delete(connection, caller, id))).await?)
    }

    async fn has_persona(&self, key: ConversationKey) -> Result<bool, StoreError> {
        let key = KeyColumns::from(key);
        let has_persona = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM conversations
                 WHERE (id = ?1 OR number = ?2 OR provider_id = ?3)
                   AND deleted_at IS NULL AND persona_id IS NOT NULL) AS "has_persona!: bool""#,
            key.id,
            key.number,
            key.provider_id,
        )
        .fetch_one(&self.reads)
        .await;
        Ok(has_persona.map_err(DbError::from)?)
    }

    async fn totals(&self, caller: UserId) -> Result<PersonaChatTotals, StoreError> {
        let sums = sqlx::query!(
            r#"SELECT count(*) AS "conversations!: i64",
                 coalesce(sum((SELECT count(*) FROM messages m
                   WHERE m.conversation_id = c.id AND m.active = 1 AND m.deleted_at IS NULL)), 0)
                   AS "messages!: i64",
                 coalesce(sum(c.input_tokens + c.output_tokens), 0) AS "tokens!: i64"
               FROM conversations c
               WHERE c.owner = ?1 AND c.deleted_at IS NULL AND c.persona_id IS NOT NULL"#,
            caller.0,
        )
        .fetch_one(&self.reads)
        .await
        .map_err(DbError::from)?;
        Ok(PersonaChatTotals {
            conversations: count_from(sums.conversations)?,
            messages: count_from(sums.messages)?,
            tokens: count_from(sums.tokens)?,
        })
    }
}

/// The persona, of any owner.
async fn record_of(
    executor: impl SqliteExecutor<'_>,
    id: PersonaId,
) -> Result<Option<PersonaColumns<i64>>, DbError> {
    let row = sqlx::query_as!(
        PersonaColumns::<i64>,
        r#"SELECT id AS "id!", user_id, name, description, relation_type, created_at, updated_at
           FROM personas WHERE id = ?1"#,
        id.0,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row)
}
