//! Files of conversations. When a row is deleted, a trigger lists its object in `pending_deletions`.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    BlobKey, ConversationId, ConversationKey, File, FileName, FileNumber, FileText, NewFile, Timestamp,
    UserId,
};
use ports::{Access, FileStore, StoreError};
use sqlx::{SqliteConnection, SqlitePool};
use stored::{KeyColumns, count_to};

use crate::SqliteStore;
use crate::conversations::row_of;
use crate::error::DbError;
use crate::rows::{ConversationRow, granted};
use crate::values::{json_of, micros};

#[async_trait]
impl FileStore for SqliteStore {
    async fn reserve(&self, blob: BlobKey, due: Timestamp) -> Result<(), StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(reserve(connection, blob.clone(), due))).await?)
    }

    async fn attach(&self, caller: UserId, file: NewFile) -> Result<Access<File>, StoreError> {
        let file = Arc::new(file);
        let kept = Arc::clone(&file);
        let number = self
            .writer
            .write(move |connection| Box::pin(attach(connection, caller, Arc::clone(&file))))
            .await?;
        Ok(number.map(|number| NewFile::clone(&kept).with_number(number)))
    }

    async fn texts(&self, conversation: ConversationId, max_bytes: u64) -> Result<Vec<FileText>, StoreError> {
        Ok(texts(&self.reads, conversation, count_to(max_bytes)).await?)
    }

    async fn pending_deletions(&self, at: Timestamp, limit: u32) -> Result<Vec<BlobKey>, StoreError> {
        let at = micros(at);
        let keys = sqlx::query_scalar!(
            "SELECT blob_key FROM pending_deletions WHERE due_at <= ?1 ORDER BY due_at, blob_key LIMIT ?2",
            at,
            limit,
        )
        .fetch_all(&self.reads)
        .await
        .map_err(DbError::from)?;
        Ok(keys.into_iter().map(BlobKey::from_stored).collect())
    }

    async fn confirm_deleted(&self, blobs: Vec<BlobKey>) -> Result<(), StoreError> {
        let blobs: Arc<[BlobKey]> = blobs.into();
        let confirm =
            self.writer.write(move |connection| Box::pin(confirm_deleted(connection, Arc::clone(&blobs))));
        Ok(confirm.await?)
    }
}

/// Lists an object that is about to be put.
async fn reserve(connection: &mut SqliteConnection, blob: BlobKey, due: Timestamp) -> Result<(), DbError> {
    let (blob, due) = (blob.as_str(), micros(due));
    sqlx::query!(
        "INSERT INTO pending_deletions (blob_key, due_at) VALUES (?1, ?2)
         ON CONFLICT (blob_key) DO UPDATE SET due_at = excluded.due_at",
        blob,
        due,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts the file of a reserved object.
async fn attach(
    connection: &mut SqliteConnection,
    caller: UserId,
    file: Arc<NewFile>,
) -> Result<Access<FileNumber>, DbError> {
    let NewFile { conversation, blob, name, size, pages, pages_read, text, at } = &*file;
    let key = KeyColumns::from(ConversationKey::Id(*conversation));
    granted!(ConversationRow::visible(row_of(&mut *connection, &key).await?, caller));
    let (blob, at) = (blob.as_str(), micros(*at));
    // The sweep may be deleting an object that is due.
    let taken = sqlx::query!("DELETE FROM pending_deletions WHERE blob_key = ?1 AND due_at > ?2", blob, at)
        .execute(&mut *connection)
        .await?;
    if taken.rows_affected() == 0 {
        return Ok(Access::Absent);
    }
    let (name, size) = (name.as_str(), count_to(*size));
    let number = sqlx::query_scalar!(
        r#"INSERT INTO files (conversation_id, blob_key, name, size, pages, pages_read, created_at, text)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING number AS "number!: i64""#,
        conversation.0,
        blob,
        name,
        size,
        pages,
        pages_read,
        at,
        text,
    )
    .fetch_one(&mut *connection)
    .await?;
    // Reading the file took a while; the conversation may have been updated since.
    sqlx::query!(
        "UPDATE conversations SET files = files + 1, updated_at = max(updated_at, ?2) WHERE id = ?1",
        conversation.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(Access::Granted(FileNumber(number)))
}

/// Takes deleted objects off the list.
async fn confirm_deleted(connection: &mut SqliteConnection, blobs: Arc<[BlobKey]>) -> Result<(), DbError> {
    let blobs: Vec<&str> = blobs.iter().map(BlobKey::as_str).collect();
    let blobs = json_of(&blobs)?;
    sqlx::query!("DELETE FROM pending_deletions WHERE blob_key IN (SELECT value FROM json_each(?1))", blobs)
        .execute(connection)
        .await?;
    Ok(())
}

async fn texts(
    reads: &SqlitePool,
    conversation: ConversationId,
    max_bytes: i64,
) -> Result<Vec<FileText>, DbError> {
    // Sizes are read without the texts.
    let rows = sqlx::query!(
        r#"WITH counted AS MATERIALIZED (
             SELECT number, sum(octet_length(name) + octet_length(text)) OVER newer AS newer_bytes
             FROM files
             WHERE conversation_id = ?1
             WINDOW newer AS (ORDER BY number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
           SELECT f.name, f.pages AS "pages: u32", coalesce(f.pages_read, f.pages) AS "pages_read!: u32", f.text
           FROM counted c CROSS JOIN files f ON f.number = c.number
           WHERE coalesce(c.newer_bytes, 0) < ?2
           ORDER BY f.number DESC"#,
        conversation.0,
        max_bytes,
    )
    .fetch_all(reads)
    .await?;
    let texts = rows.into_iter().map(|row| {
        let name = FileName::from_stored(row.name);
        FileText { name, pages: row.pages, pages_read: row.pages_read, text: row.text }
    });
    Ok(texts.collect())
}
