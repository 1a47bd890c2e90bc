//! Personas, and what conversations with them add up to.

mod edit;

use async_trait::async_trait;
use domain::{ConversationKey, Page, PersonaId, Timestamp, TurnId, UserId};
use ports::{Access, NewPersona, PersonaChatTotals, PersonaPatch, PersonaRecord, PersonaStore, StoreError};
use sqlx::SqliteExecutor;

use crate::SqliteStore;
use crate::error::DbError;
use crate::rows::{KeyColumns, PersonaRow};
use crate::values::{count_from, instant};
use edit::{Create, Delete, Update};

#[async_trait]
impl PersonaStore for SqliteStore {
    async fn create(&self, new: NewPersona) -> Result<PersonaRecord, StoreError> {
        Ok(self.writer.write(Create(new)).await?)
    }

    async fn find(&self, caller: UserId, id: PersonaId) -> Result<Access<PersonaRecord>, StoreError> {
        Ok(access(record_of(&self.reads, id).await?, caller)?)
    }

    async fn list(&self, caller: UserId, page: Page) -> Result<Vec<PersonaRecord>, StoreError> {
        let (limit, offset) = (i64::from(page.limit), i64::from(page.offset));
        let rows = sqlx::query_as!(
            RecordRow,
            r#"SELECT id AS "id!", user_id, name, description, relation_type, created_at, updated_at
               FROM personas WHERE user_id = ?1 ORDER BY updated_at DESC, id DESC LIMIT ?2 OFFSET ?3"#,
            caller.0,
            limit,
            offset,
        )
        .fetch_all(&self.reads)
        .await
        .map_err(DbError::from)?;
        Ok(rows.into_iter().map(PersonaRecord::try_from).collect::<Result<_, DbError>>()?)
    }

    async fn update(
        &self,
        caller: UserId,
        id: PersonaId,
        patch: PersonaPatch,
        at: Timestamp,
    ) -> Result<Access<PersonaRecord>, StoreError> {
        Ok(self.writer.write(Update { caller, id, changes: patch, at }).await?)
    }

    async fn delete(&self, caller: UserId, id: PersonaId) -> Result<Access<Vec<TurnId>>, StoreError> {
        Ok(self.writer.write(Delete { caller, id }).await?)
    }

    async fn has_persona(&self, key: ConversationKey) -> Result<bool, StoreError> {
        let key = KeyColumns::from(key);
        let holds = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM conversations
                 WHERE (id = ?1 OR number = ?2 OR provider_id = ?3)
                   AND deleted_at IS NULL AND persona_id IS NOT NULL) AS "holds!: bool""#,
            key.id,
            key.number,
            key.provider_id,
        )
        .fetch_one(&self.reads)
        .await;
        Ok(holds.map_err(DbError::from)?)
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

/// A whole row of `personas`.
#[derive(Debug)]
struct RecordRow {
    id: i64,
    user_id: i64,
    name: String,
    description: Option<String>,
    relation_type: String,
    created_at: i64,
    updated_at: i64,
}

impl TryFrom<RecordRow> for PersonaRecord {
    type Error = DbError;

    fn try_from(row: RecordRow) -> Result<Self, DbError> {
        let RecordRow { id, user_id, name, description, relation_type, created_at, updated_at } = row;
        Ok(Self {
            persona: PersonaRow { id, name, description, relation_type }.into(),
            owner: UserId(user_id),
            created_at: instant(created_at)?,
            updated_at: instant(updated_at)?,
        })
    }
}

/// The persona, whosever it is.
async fn record_of(executor: impl SqliteExecutor<'_>, id: PersonaId) -> Result<Option<RecordRow>, DbError> {
    let row = sqlx::query_as!(
        RecordRow,
        r#"SELECT id AS "id!", user_id, name, description, relation_type, created_at, updated_at
           FROM personas WHERE id = ?1"#,
        id.0,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row)
}

/// A persona as a caller sees it.
fn access(row: Option<RecordRow>, caller: UserId) -> Result<Access<PersonaRecord>, DbError> {
    Ok(match row {
        Some(row) if row.user_id == caller.0 => Access::Granted(row.try_into()?),
        Some(_) => Access::Foreign,
        None => Access::Absent,
    })
}
