//! Single messages of conversations with a persona.

use async_trait::async_trait;
use domain::{MessageNumber, Timestamp, UserId};
use ports::{MessageDeletion, MessageStore, StoreError};

use crate::PostgresStore;

#[async_trait]
impl MessageStore for PostgresStore {
    async fn delete(
        &self,
        caller: UserId,
        message: MessageNumber,
        at: Timestamp,
    ) -> Result<MessageDeletion, StoreError> {
        let no_parts = stored::parts_to_json(&[]);
        let delete = |pool| {
            sqlx::query_file!("queries/delete_message.sql", message.0, caller.0, at, no_parts)
                .fetch_optional(pool)
        };
        Ok(match self.pool.run(delete).await? {
            Some(row) if row.owner != caller.0 => MessageDeletion::Foreign,
            Some(row) if row.is_deleted => MessageDeletion::Deleted,
            Some(row) if row.is_running => MessageDeletion::Running,
            // A row that is neither was deleted by another call just now.
            None | Some(_) => MessageDeletion::Absent,
        })
    }
}
