//! Files of conversations. When a row is deleted, a trigger lists its object in `pending_deletions`.

use async_trait::async_trait;
use domain::{BlobKey, ConversationId, File, FileName, FileNumber, FileText, NewFile, Timestamp, UserId};
use ports::{Access, FileStore, StoreError};
use stored::count_to;

use crate::PostgresStore;

#[async_trait]
impl FileStore for PostgresStore {
    async fn reserve(&self, blob: BlobKey, due: Timestamp) -> Result<(), StoreError> {
        let insert = |pool| {
            sqlx::query!(
                "INSERT INTO omnichat.pending_deletions (blob_key, due_at) VALUES ($1, $2)
                 ON CONFLICT (blob_key) DO UPDATE SET due_at = excluded.due_at",
                blob.as_str(),
                due,
            )
            .execute(pool)
        };
        self.pool.run(insert).await?;
        Ok(())
    }

    async fn attach(&self, caller: UserId, file: NewFile) -> Result<Access<File>, StoreError> {
        let attach = |pool| {
            sqlx::query_file!(
                "queries/attach_file.sql",
                file.conversation.0,
                caller.0,
                file.blob.as_str(),
                file.name.as_str(),
                count_to(file.size),
                i32::try_from(file.pages).unwrap_or(i32::MAX),
                i32::try_from(file.pages_read).unwrap_or(i32::MAX),
                file.at,
                file.text.as_str(),
            )
            .fetch_optional(pool)
        };
        let row = self.pool.run(attach).await?;
        Ok(match Access::of(caller, row.map(|row| (UserId(row.owner), row.number))) {
            Access::Granted(Some(number)) => Access::Granted(file.with_number(FileNumber(number))),
            Access::Granted(None) | Access::Absent => Access::Absent,
            Access::Foreign => Access::Foreign,
        })
    }

    async fn texts(&self, conversation: ConversationId, max_bytes: u64) -> Result<Vec<FileText>, StoreError> {
        // Sizes first: a text beyond the limit is not even decompressed.
        let read = |pool| {
            sqlx::query!(
                r#"WITH counted AS (
                   SELECT f.number,
                     sum(octet_length(f.name) + octet_length(f.text)) OVER newer AS newer_bytes
                   FROM omnichat.files f
                   WHERE f.conversation_id = $1
                   WINDOW newer AS (ORDER BY f.number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
                 )
                 SELECT f.name, f.pages, coalesce(f.pages_read, f.pages) AS "pages_read!", f.text
                 FROM counted c
                 JOIN omnichat.files f ON f.number = c.number
                 WHERE coalesce(c.newer_bytes, 0) < $2
                 ORDER BY f.number DESC"#,
                conversation.0,
                count_to(max_bytes),
            )
            .fetch_all(pool)
        };
        let rows = self.pool.run(read).await?;
        let texts = rows.into_iter().map(|row| {
            let [pages, pages_read] =
                [row.pages, row.pages_read].map(|pages| u32::try_from(pages).unwrap_or_default());
            FileText { name: FileName::from_stored(row.name), pages, pages_read, text: row.text }
        });
        Ok(texts.collect())
    }

    async fn pending_deletions(&self, at: Timestamp, limit: u32) -> Result<Vec<BlobKey>, StoreError> {
        let read = |pool| {
            sqlx::query_scalar!(
                "SELECT blob_key FROM omnichat.pending_deletions WHERE due_at <= $1 ORDER BY due_at, blob_key LIMIT $2",
                at,
                i64::from(limit),
            )
            .fetch_all(pool)
        };
        Ok(self.pool.run(read).await?.into_iter().map(BlobKey::from_stored).collect())
    }

    async fn confirm_deleted(&self, blobs: Vec<BlobKey>) -> Result<(), StoreError> {
        let keys: Vec<&str> = blobs.iter().map(BlobKey::as_str).collect();
        let delete = |pool| {
            sqlx::query!(
                "DELETE FROM omnichat.pending_deletions WHERE blob_key = ANY ($1)",
                keys.as_slice() as _
            )
            .execute(pool)
        };
        self.pool.run(delete).await?;
        Ok(())
    }
}
