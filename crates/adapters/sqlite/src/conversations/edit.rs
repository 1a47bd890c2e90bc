//! Changes of conversations. There is one writer, so each change reads, decides and writes.

use domain::{Conversation, ConversationId, ConversationPatch, Timestamp, TurnId, UserId};
use ports::{Access, Purged};
use serde_json::{Map, Value};
use sqlx::SqliteConnection;
use stored::{ConversationColumns, KeyColumns, StoredError};

use super::row_of;
use crate::error::DbError;
use crate::rows::{ConversationRow, granted};
use crate::values::micros;

/// Changes what a caller may change.
pub(super) async fn patch(
    connection: &mut SqliteConnection,
    caller: UserId,
    key: KeyColumns,
    patch: ConversationPatch,
    at: Timestamp,
) -> Result<Access<Conversation>, DbError> {
    let found = granted!(ConversationRow::visible(row_of(&mut *connection, &key).await?, caller));
    let row = patched(found.columns, &patch, at)?;
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
    Ok(Access::Granted(row.try_into()?))
}

fn patched(
    row: ConversationColumns<i64>,
    patch: &ConversationPatch,
    at: Timestamp,
) -> Result<ConversationColumns<i64>, DbError> {
    let metadata = match &patch.metadata {
        Some(keys) => merged(&row.metadata, keys.as_str())?,
        None => row.metadata,
    };
    Ok(ConversationColumns {
        title: patch.title.as_ref().map(ToString::to_string).or(row.title),
        metadata,
        model: patch.model.as_ref().map(ToString::to_string).or(row.model),
        persona_id: patch.persona.map(|persona| persona.0).or(row.persona_id),
        updated_at: micros(at),
        ..row
    })
}

/// Sets keys at the top level. Not `json_patch`, which removes a key that is set to `null`.
fn merged(metadata: &str, keys: &str) -> Result<String, DbError> {
    let mut all: Map<String, Value> = serde_json::from_str(metadata).map_err(StoredError::from)?;
    all.extend(serde_json::from_str::<Map<String, Value>>(keys)?);
    Ok(serde_json::to_string(&all)?)
}

/// Hides a conversation.
pub(super) async fn hide(
    connection: &mut SqliteConnection,
    caller: UserId,
    key: KeyColumns,
    at: Timestamp,
) -> Result<Access<ConversationId>, DbError> {
    let row = granted!(ConversationRow::visible(row_of(&mut *connection, &key).await?, caller));
    let at = micros(at);
    sqlx::query!(
        "UPDATE conversations SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1",
        row.columns.id,
        at,
    )
    .execute(connection)
    .await?;
    Ok(Access::Granted(ConversationId(row.columns.id)))
}

/// Brings a hidden conversation back.
pub(super) async fn show(
    connection: &mut SqliteConnection,
    caller: UserId,
    key: KeyColumns,
    at: Timestamp,
) -> Result<Access<Conversation>, DbError> {
    let found = row_of(&mut *connection, &key).await?.filter(|row| row.deleted_at.is_some());
    let hidden = granted!(ConversationRow::owned(found, caller));
    let row = ConversationColumns { updated_at: micros(at), ..hidden.columns };
    sqlx::query!(
        "UPDATE conversations SET deleted_at = NULL, updated_at = ?2 WHERE id = ?1",
        row.id,
        row.updated_at,
    )
    .execute(connection)
    .await?;
    Ok(Access::Granted(row.try_into()?))
}

/// Deletes a conversation for good, with all that belongs to it.
pub(super) async fn purge(
    connection: &mut SqliteConnection,
    caller: UserId,
    key: KeyColumns,
) -> Result<Access<Purged>, DbError> {
    let row = granted!(ConversationRow::owned(row_of(&mut *connection, &key).await?, caller)).columns;
    sqlx::query!("DELETE FROM conversations WHERE id = ?1", row.id).execute(connection).await?;
    Ok(Access::Granted(Purged { id: ConversationId(row.id), running: row.running_turn.map(TurnId) }))
}
