//! Conversations and their messages, as they are read and edited.

mod edit;
mod list;
mod messages;

use async_trait::async_trait;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationPatch, HistoryLocation, Message, MessagePage,
    ModelName, NewConversation, Page, ProjectId, Timestamp, Title, UserId,
};
use ports::{Access, ConversationFilter, ConversationStore, Purged, StoreError};
use stored::{ConversationColumns, KeyColumns};

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::select_conversations;

#[async_trait]
impl ConversationStore for PostgresStore {
    async fn create(&self, new: NewConversation) -> Result<Conversation, StoreError> {
        let provider = match &new.home {
            HistoryLocation::Local => None,
            HistoryLocation::OpenAi(id) => Some(id.as_str()),
        };
        let insert = |pool| {
            select_conversations!(
                "WITH made AS (
                   INSERT INTO omnichat.conversations (id, owner, label, project, persona_id, begun_by, provider_id,
                     title, model, metadata, application_id, created_at, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::jsonb, $11, $12, $12)
                   RETURNING *
                 )",
                "FROM made c",
                new.id.0,
                new.owner.0,
                new.label.as_str(),
                new.project.as_ref().map(ProjectId::as_str),
                new.persona.map(|persona| persona.0),
                stored::contract_name(new.begun_by),
                provider,
                new.title.as_ref().map(Title::as_str),
                new.model.as_ref().map(ModelName::as_str),
                new.metadata.as_str(),
                new.application,
                new.at,
            )
            .fetch_one(pool)
        };
        let row = self.pool.run(insert).await?;
        Ok(Conversation::try_from(row).map_err(DbError::from)?)
    }

    async fn find(&self, caller: UserId, key: ConversationKey) -> Result<Access<Conversation>, StoreError> {
        let key = KeyColumns::from(key);
        let read = |pool| {
            select_conversations!(
                "",
                "FROM omnichat.conversations c
                 WHERE c.id = coalesce($1, omnichat.conversation_by($2, $3)) AND c.deleted_at IS NULL",
                key.id,
                key.number,
                key.provider_id.as_deref(),
            )
            .fetch_optional(pool)
        };
        Ok(access(caller, self.pool.run(read).await?)?)
    }

    async fn list(
        &self,
        caller: UserId,
        filter: ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, StoreError> {
        Ok(self.list_conversations(caller, &filter, page).await?)
    }

    async fn count(&self, caller: UserId, filter: ConversationFilter) -> Result<u64, StoreError> {
        Ok(self.count_conversations(caller, &filter).await?)
    }

    async fn messages(
        &self,
        caller: UserId,
        key: ConversationKey,
        page: MessagePage,
    ) -> Result<Access<Vec<Message>>, StoreError> {
        Ok(self.read_messages(caller, key, page).await?)
    }

    async fn messages_of(
        &self,
        caller: UserId,
        conversations: Vec<ConversationId>,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.read_messages_of(caller, &conversations).await?)
    }

    async fn patch(
        &self,
        caller: UserId,
        key: ConversationKey,
        patch: ConversationPatch,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        Ok(self.edit(caller, key, patch, at).await?)
    }

    async fn soft_delete(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<ConversationId>, StoreError> {
        Ok(self.hide(caller, key, at).await?)
    }

    async fn restore(
        &self,
        caller: UserId,
        key: ConversationKey,
        at: Timestamp,
    ) -> Result<Access<Conversation>, StoreError> {
        Ok(self.show(caller, key, at).await?)
    }

    async fn purge(&self, caller: UserId, key: ConversationKey) -> Result<Access<Purged>, StoreError> {
        Ok(self.delete_for_good(caller, key).await?)
    }
}

/// The access of a caller to a conversation that was looked for.
fn access(
    caller: UserId,
    row: Option<ConversationColumns<Timestamp>>,
) -> Result<Access<Conversation>, DbError> {
    let access = Access::of(caller, row.map(|row| (UserId(row.owner), row)));
    Ok(access.try_map(Conversation::try_from)?)
}
