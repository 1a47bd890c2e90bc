//! Conversations, as they are read and edited.

mod edit;
pub(crate) mod insert;
mod list;
mod messages;

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, MessageKey, MessagePage,
    NewConversation, Page, Seq, Timestamp, UserId,
};
use ports::{
    Access, ConversationFilter, ConversationStore, LastPage, MessageBatch, MessagesOfSeveral, Purged,
    StoreError,
};
use sqlx::{SqliteConnection, SqliteExecutor};
use stored::KeyColumns;
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::rows::{ConversationRow, granted, select_conversations};
use crate::values::json_of;

#[async_trait]
impl ConversationStore for SqliteStore {
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(insert::create(connection, new.clone()))).await?)
    }

    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError> {
        let row = row_of(&self.reads, &key.into()).await?;
        Ok(ConversationRow::visible(row, caller).try_map(Conversation::try_from)?)
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
    ) -> Result<Access<MessageBatch>, StoreError> {
        let row = granted!(ConversationRow::visible(row_of(&self.reads, &key.into()).await?, caller));
        Ok(Access::Granted(messages::batch(&self.reads, row.columns.id, page).await?))
    }

    async fn last_page(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
        skip: u32,
    ) -> Result<Access<LastPage>, StoreError> {
        let row = granted!(ConversationRow::visible(row_of(&self.reads, &key.into()).await?, caller));
        Ok(Access::Granted(messages::last(&self.reads, row.columns.id, page, skip).await?))
    }

    async fn position(
        &self,
        caller: UserId,
        key: ConversationKey,
        message: MessageKey,
    ) -> Result<Access<Option<Seq>>, StoreError> {
        let row = granted!(ConversationRow::visible(row_of(&self.reads, &key.into()).await?, caller));
        Ok(Access::Granted(messages::position(&self.reads, row.columns.id, message).await?))
    }

    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<MessagesOfSeveral, StoreError> {
        Ok(messages::of_several(&self.reads, caller, &conversations).await?)
    }

    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let edit = self.writer.write(move |connection| {
            Box::pin(edit::patch(connection, caller, key.clone(), patch.clone(), at))
        });
        Ok(edit.await?)
    }

    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError> {
        let key = KeyColumns::from(key);
        let hide =
            self.writer.write(move |connection| Box::pin(edit::hide(connection, caller, key.clone(), at)));
        Ok(hide.await?)
    }

    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let show =
            self.writer.write(move |connection| Box::pin(edit::show(connection, caller, key.clone(), at)));
        Ok(show.await?)
    }

    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError> {
        let key = KeyColumns::from(key);
        let purge =
            self.writer.write(move |connection| Box::pin(edit::purge(connection, caller, key.clone())));
        Ok(purge.await?)
    }
}

/// The conversation with this key, of any owner, hidden or not.
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

/// Those of the conversations that exist, of any owner, hidden or not.
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
    Ok(rows.into_iter().map(|row| (ConversationId(row.columns.id), row)).collect())
}
