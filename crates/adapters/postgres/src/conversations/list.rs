//! Lists of conversations.

use domain::{Conversation, Page, UserId};
use ports::ConversationFilter;
use sqlx::{Postgres, QueryBuilder};

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::ConversationRow;

impl PostgresStore {
    pub(super) async fn list_conversations(
        &self,
        caller: UserId,
        filter: &ConversationFilter,
        page: Page,
    ) -> Result<Vec<Conversation>, DbError> {
        let list = |pool| async move {
            let mut query = QueryBuilder::new(
                "SELECT c.id, c.number, c.owner, c.persona_id, c.application_id, c.running_turn, c.last_seq,
                   c.input_tokens, c.output_tokens, c.cost_nanos, c.created_at, c.updated_at, c.summary_updated_at,
                   c.message_count, c.summary_message_count, c.active, c.begun_by, c.provider_id, c.model,
                   c.last_model, c.label, c.project, c.title, c.metadata::text AS metadata, c.summary",
            );
            push_filter(&mut query, caller, filter);
            query.push(" ORDER BY c.updated_at DESC, c.id DESC LIMIT ").push_bind(i64::from(page.limit));
            query.push(" OFFSET ").push_bind(i64::from(page.offset));
            query.build_query_as::<ConversationRow>().fetch_all(pool).await
        };
        let rows = self.pool.run(list).await?;
        let mut conversations = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            match Conversation::try_from(row) {
                Ok(conversation) => conversations.push(conversation),
                // It must not take the others away.
                Err(fault) => {
                    tracing::error!(conversation.id = %id, error = ?fault, "conversation {id} cannot be read");
                }
            }
        }
        Ok(conversations)
    }

    pub(super) async fn count_conversations(
        &self,
        caller: UserId,
        filter: &ConversationFilter,
    ) -> Result<u64, DbError> {
        let count = |pool| async move {
            let mut query = QueryBuilder::new("SELECT count(*)");
            push_filter(&mut query, caller, filter);
            query.build_query_scalar::<i64>().fetch_one(pool).await
        };
        Ok(self.pool.run(count).await?.unsigned_abs())
    }
}

fn push_filter(query: &mut QueryBuilder<Postgres>, caller: UserId, filter: &ConversationFilter) {
    let ConversationFilter { label, project, persona, any_persona, model, created_from, created_before } =
        filter;
    query
        .push(" FROM omnichat.conversations c WHERE c.deleted_at IS NULL AND c.owner = ")
        .push_bind(caller.0);
    if let Some(label) = label {
        query.push(" AND c.label = ").push_bind(label.as_str().to_owned());
    }
    if let Some(project) = project {
        query.push(" AND c.project = ").push_bind(project.as_str().to_owned());
    }
    if let Some(persona) = persona {
        query.push(" AND c.persona_id = ").push_bind(persona.0);
    }
    if *any_persona {
        query.push(" AND c.persona_id IS NOT NULL");
    }
    if let Some(model) = model {
        query.push(" AND coalesce(c.model, c.last_model) = ").push_bind(model.as_str().to_owned());
    }
    if let Some(from) = created_from {
        query.push(" AND c.created_at >= ").push_bind(*from);
    }
    if let Some(before) = created_before {
        query.push(" AND c.created_at < ").push_bind(*before);
    }
}
