//! Changes of conversations. The writer is alone, so each reads, decides and writes.

use async_trait::async_trait;
use domain::{Conversation, ConversationId, ConversationPatch, Timestamp, TurnId, UserId};
use ports::{Access, Purged};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;

use super::{read, row_of, visible};
use crate::error::DbError;
use crate::rows::{ConversationRow, KeyColumns};
use crate::values::micros;
use crate::writer::Write;

/// Goes on with the thing, or answers that there is no access to it.
macro_rules! granted {
    ($access:expr) => {
        match $access {
            Access::Granted(thing) => thing,
            Access::Foreign => return Ok(Access::Foreign),
            Access::Absent => return Ok(Access::Absent),
        }
    };
}

/// Changes what a caller may change.
pub(super) struct Patch {
    pub(super) caller: UserId,
    pub(super) key: KeyColumns,
    pub(super) changes: ConversationPatch,
    pub(super) at: Timestamp,
}

#[async_trait]
impl Write for Patch {
    type Answer = Access<Conversation>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<Conversation>, DbError> {
        let found = granted!(visible(row_of(&mut *connection, &self.key).await?, self.caller));
        let row = self.applied_to(found)?;
        sqlx::query!(
            "UPDATE conversations SET title = ?2, metadata = ?3, model = ?4, persona_id = ?5, updated_at = ?6
             WHERE id = ?1",
            row.id,
            row.title,
            row.metadata,
            row.model,
            row.persona_id,
            row.updated_at,
        )
        .execute(connection)
        .await?;
        read(Access::Granted(row))
    }
}

impl Patch {
    fn applied_to(&self, row: ConversationRow) -> Result<ConversationRow, DbError> {
        let patch = &self.changes;
        let metadata = match &patch.metadata {
            Some(keys) => merged(&row.metadata, keys.as_str())?,
            None => row.metadata,
        };
        Ok(ConversationRow {
            title: patch.title.as_ref().map(ToString::to_string).or(row.title),
            metadata,
            model: patch.model.as_ref().map(ToString::to_string).or(row.model),
            persona_id: patch.persona.map(|persona| persona.0).or(row.persona_id),
            updated_at: micros(self.at),
            ..row
        })
    }
}

/// Sets keys at the top level. Not `json_patch`, which takes a key away that is set to `null`.
fn merged(metadata: &str, keys: &str) -> Result<String, DbError> {
    let mut all: Map<String, Value> =
        serde_json::from_str(metadata).map_err(|error| DbError::corrupt("metadata", error))?;
    all.extend(serde_json::from_str::<Map<String, Value>>(keys)?);
    Ok(serde_json::to_string(&all)?)
}

/// Hides a conversation.
pub(super) struct SoftDelete {
    pub(super) caller: UserId,
    pub(super) key: KeyColumns,
    pub(super) at: Timestamp,
}

#[async_trait]
impl Write for SoftDelete {
    type Answer = Access<ConversationId>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<ConversationId>, DbError> {
        let row = granted!(visible(row_of(&mut *connection, &self.key).await?, self.caller));
        let at = micros(self.at);
        sqlx::query!("UPDATE conversations SET deleted_at = ?2 WHERE id = ?1", row.id, at)
            .execute(connection)
            .await?;
        Ok(Access::Granted(ConversationId(row.id)))
    }
}

/// Brings a hidden conversation back.
pub(super) struct Restore {
    pub(super) caller: UserId,
    pub(super) key: KeyColumns,
    pub(super) at: Timestamp,
}

#[async_trait]
impl Write for Restore {
    type Answer = Access<Conversation>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<Conversation>, DbError> {
        let found = row_of(&mut *connection, &self.key).await?.filter(|row| row.deleted_at.is_some());
        let hidden = granted!(owned(found, self.caller));
        let row = ConversationRow { deleted_at: None, updated_at: micros(self.at), ..hidden };
        sqlx::query!(
            "UPDATE conversations SET deleted_at = NULL, updated_at = ?2 WHERE id = ?1",
            row.id,
            row.updated_at,
        )
        .execute(connection)
        .await?;
        read(Access::Granted(row))
    }
}

/// Takes a conversation away for good; what belongs to it goes with it.
pub(super) struct Purge {
    pub(super) caller: UserId,
    pub(super) key: KeyColumns,
}

#[async_trait]
impl Write for Purge {
    type Answer = Access<Purged>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<Purged>, DbError> {
        let row = granted!(owned(row_of(&mut *connection, &self.key).await?, self.caller));
        sqlx::query!("DELETE FROM conversations WHERE id = ?1", row.id).execute(connection).await?;
        Ok(Access::Granted(Purged { id: ConversationId(row.id), running: row.running_turn.map(TurnId) }))
    }
}

fn owned(row: Option<ConversationRow>, caller: UserId) -> Access<ConversationRow> {
    match row {
        Some(row) if row.owner == caller.0 => Access::Granted(row),
        Some(_) => Access::Foreign,
        None => Access::Absent,
    }
}
