//! Single messages of conversations with a persona.

use async_trait::async_trait;
use domain::{MessageNumber, Timestamp, UserId};
use ports::{MessageDeletion, MessageStore, StoreError};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::micros;
use crate::writer::Write;

#[async_trait]
impl MessageStore for SqliteStore {
    async fn delete(
        &self,
        caller: UserId,
        message: MessageNumber,
        at: Timestamp,
    ) -> Result<MessageDeletion, StoreError> {
        Ok(self.writer.write(Delete { caller, message, at }).await?)
    }
}

/// Empties a message and hides it. The tree, the totals and the ledger stay as they are.
struct Delete {
    caller: UserId,
    message: MessageNumber,
    at: Timestamp,
}

#[async_trait]
impl Write for Delete {
    type Answer = MessageDeletion;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<MessageDeletion, DbError> {
        let found = sqlx::query!(
            r#"SELECT c.id AS "conversation: Uuid", c.owner,
                 coalesce(m.turn_id = c.running_turn, 0) AS "is_running!: bool"
               FROM messages m CROSS JOIN conversations c ON c.id = m.conversation_id
               WHERE m.number = ?1 AND m.deleted_at IS NULL AND c.deleted_at IS NULL
                 AND c.persona_id IS NOT NULL"#,
            self.message.0,
        )
        .fetch_optional(&mut *connection)
        .await?;
        let Some(found) = found else { return Ok(MessageDeletion::Absent) };
        if found.owner != self.caller.0 {
            return Ok(MessageDeletion::Foreign);
        }
        if found.is_running {
            return Ok(MessageDeletion::Running);
        }
        let (nothing, at) = (stored::parts_to_json(&[]), micros(self.at));
        sqlx::query!(
            "UPDATE messages SET parts = ?2, lengths = NULL, deleted_at = ?3 WHERE number = ?1",
            self.message.0,
            nothing,
            at,
        )
        .execute(&mut *connection)
        .await?;
        sqlx::query!("UPDATE conversations SET updated_at = ?2 WHERE id = ?1", found.conversation, at)
            .execute(connection)
            .await?;
        Ok(MessageDeletion::Deleted)
    }
}
