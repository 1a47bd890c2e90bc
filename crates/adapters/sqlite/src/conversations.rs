//! Conversations, as they are read and edited.

mod edit;
pub(crate) mod insert;
mod list;
mod messages;

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, Message, MessagePage, NewConversation,
    Page, Timestamp, UserId,
};
use ports::{Access, ConversationFilter, ConversationStore, Purged, StoreError};
use sqlx::{SqliteConnection, SqliteExecutor};
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::rows::{ConversationRow, KeyColumns, select_conversations};
use crate::values::json_of;
use edit::{Patch, Purge, Restore, SoftDelete};
use insert::Create;

#[async_trait]
impl ConversationStore for SqliteStore {
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError> {
        Ok(self.writer.write(Create(new)).await?)
    }

    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError> {
        let row = row_of(&self.reads, &key.into()).await?;
        Ok(read(visible(row, caller))?)
    }

    async fn list(
        &self,
        caller: UserId,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, StoreError> {
        Ok(list::list(&self.reads, caller, &filter, page).await?)
    }

    async fn count(&self, caller: UserId, filter: ConversationFilter) -> Result<u64, StoreError> {
        Ok(list::count(&self.reads, caller, &filter).await?)
    }

    async fn messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<Vec<Message>>, StoreError> {
        match visible(row_of(&self.reads, &key.into()).await?, caller) {
            Access::Granted(row) => Ok(Access::Granted(messages::page(&self.reads, row.id, page).await?)),
            Access::Foreign => Ok(Access::Foreign),
            Access::Absent => Ok(Access::Absent),
        }
    }

    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(messages::of(&self.reads, caller, &conversations).await?)
    }

    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        Ok(self.writer.write(Patch { caller, key: key.into(), changes: patch, at }).await?)
    }

    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError> {
        Ok(self.writer.write(SoftDelete { caller, key: key.into(), at }).await?)
    }

    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        Ok(self.writer.write(Restore { caller, key: key.into(), at }).await?)
    }

    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError> {
        Ok(self.writer.write(Purge { caller, key: key.into() }).await?)
    }
}

/// The conversation with this key, whosever it is, deleted or not.
pub(crate) async fn row_of(
    executor: impl SqliteExecutor<'_>,
    key: &KeyColumns,
) -> Result<Option<ConversationRow>, DbError> {
    let row = select_conversations!(
        "WHERE id = ?1 OR number = ?2 OR provider_id = ?3",
        key.id,
        key.number,
        key.provider_id,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row)
}

/// The conversations with these ids, as far as they exist, whosever they are, deleted or not.
pub(crate) async fn rows_of(
    connection: &mut SqliteConnection,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, ConversationRow>, DbError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Simple> = ids.iter().map(|id| id.0.simple()).collect();
    let ids = json_of(&ids)?;
    let rows = select_conversations!("WHERE id IN (SELECT unhex(value) FROM json_each(?1))", ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (ConversationId(row.id), row)).collect())
}

/// A conversation as a caller sees it.
pub(crate) fn visible(row: Option<ConversationRow>, caller: UserId) -> Access<ConversationRow> {
    match row.filter(|row| row.deleted_at.is_none()) {
        Some(row) if row.owner == caller.0 => Access::Granted(row),
        Some(_) => Access::Foreign,
        None => Access::Absent,
    }
}

fn read(access: Access<ConversationRow>) -> Result<Access<Conversation>, DbError> {
    Ok(match access {
        Access::Granted(row) => Access::Granted(row.try_into()?),
        Access::Foreign => Access::Foreign,
        Access::Absent => Access::Absent,
    })
}
