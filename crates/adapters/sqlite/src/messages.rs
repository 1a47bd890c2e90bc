//! Single messages of conversations with a persona.

use async_trait::async_trait;
use domain::{MessageNumber, Timestamp, UserId};
use ports::{MessageDeletion, MessageStore, StoreError};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::micros;

#[async_trait]
impl MessageStore for SqliteStore {
    async fn delete(
        &self,
        caller: UserId,
        message: MessageNumber,
        at: Timestamp,
    ) -> Result<MessageDeletion, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(delete(connection, caller, message, at))).await?)
    }
}

/// Empties a message and hides it. The tree, the totals and the ledger stay as they are.
async fn delete(
    connection: &mut SqliteConnection,
    caller: UserId,
    message: MessageNumber,
    at: Timestamp,
) -> Result<MessageDeletion, DbError> {
    let found = sqlx::query!(
        r#"SELECT c.id AS "conversation: Uuid", c.owner,
             -- A question that is answered again belongs to an earlier turn.
             coalesce(
               m.turn_id = c.running_turn
                 OR m.seq = (SELECT t.question_seq FROM turns t WHERE t.id = c.running_turn),
               0) AS "is_running!: bool"
           FROM messages m CROSS JOIN conversations c ON c.id = m.conversation_id
           WHERE m.number = ?1 AND m.deleted_at IS NULL AND c.deleted_at IS NULL
             AND c.persona_id IS NOT NULL"#,
        message.0,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else { return Ok(MessageDeletion::Absent) };
    if found.owner != caller.0 {
        return Ok(MessageDeletion::Foreign);
    }
    if found.is_running {
        return Ok(MessageDeletion::Running);
    }
    let (no_parts, at) = (stored::parts_to_json(&[]), micros(at));
    sqlx::query!(
        "UPDATE messages SET parts = ?2, lengths = NULL, deleted_at = ?3 WHERE number = ?1",
        message.0,
        no_parts,
        at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE conversations SET updated_at = ?2 WHERE id = ?1", found.conversation, at)
        .execute(connection)
        .await?;
    Ok(MessageDeletion::Deleted)
}
