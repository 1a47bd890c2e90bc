//! Lists of conversations. Their conditions come and go, so these statements are put together at run time.

use domain::{Conversation, Page, UserId};
use ports::ConversationFilter;
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use crate::error::DbError;
use crate::rows::ConversationRow;
use crate::values::{count_from, micros};

/// A page of the caller's conversations, newest update first.
pub(super) async fn list(
    reads: &SqlitePool,
    caller: UserId,
    filter: &ConversationFilter,
    page: Page,
) -> Result<Vec<Conversation>, DbError> {
    let mut query = QueryBuilder::new("SELECT * FROM conversations");
    push_conditions(&mut query, caller, filter);
    query.push(" ORDER BY updated_at DESC, id DESC LIMIT ").push_bind(i64::from(page.limit));
    query.push(" OFFSET ").push_bind(i64::from(page.offset));
    let rows: Vec<ConversationRow> = query.build_query_as().fetch_all(reads).await?;
    rows.into_iter().map(Conversation::try_from).collect()
}

/// How many of the caller's conversations match.
pub(super) async fn count(
    reads: &SqlitePool,
    caller: UserId,
    filter: &ConversationFilter,
) -> Result<u64, DbError> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM conversations");
    push_conditions(&mut query, caller, filter);
    let count: i64 = query.build_query_scalar().fetch_one(reads).await?;
    count_from(count)
}

fn push_conditions(query: &mut QueryBuilder<Sqlite>, caller: UserId, filter: &ConversationFilter) {
    let ConversationFilter { label, project, persona, any_persona, model, created_from, created_before } =
        filter;
    query.push(" WHERE deleted_at IS NULL AND owner = ").push_bind(caller.0);
    if let Some(label) = label {
        query.push(" AND label = ").push_bind(label.as_str().to_owned());
    }
    if let Some(project) = project {
        query.push(" AND project = ").push_bind(project.as_str().to_owned());
    }
    if let Some(persona) = persona {
        query.push(" AND persona_id = ").push_bind(persona.0);
    }
    if *any_persona {
        query.push(" AND persona_id IS NOT NULL");
    }
    if let Some(model) = model {
        query.push(" AND coalesce(model, last_model) = ").push_bind(model.as_str().to_owned());
    }
    if let Some(from) = created_from {
        query.push(" AND created_at >= ").push_bind(micros(*from));
    }
    if let Some(before) = created_before {
        query.push(" AND created_at < ").push_bind(micros(*before));
    }
}
