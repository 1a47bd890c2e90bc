//! Makes, changes and deletes prompts. There is one writer, so each change reads, decides and writes.

use domain::{Prompt, PromptFields, PromptId, Timestamp, UserId};
use ports::{NewPrompt, PromptChange, PromptPatch};
use sqlx::SqliteConnection;
use stored::StoredTime as _;

use super::select_prompts;
use crate::error::DbError;
use crate::values::micros;

/// The most rows that get their search text before a search.
const SEARCH_TEXTS_AT_ONCE: i64 = 1_000;

/// Goes on with the prompt if it belongs to the caller, or returns that it cannot be changed.
macro_rules! own {
    ($connection:expr, $caller:expr, $id:expr) => {
        match prompt_of($connection, $id).await? {
            Some(prompt) if prompt.owner == Some($caller) => prompt,
            Some(prompt) if prompt.owner.is_none() => return Ok(PromptChange::Template),
            Some(_) | None => return Ok(PromptChange::Absent),
        }
    };
}

pub(super) async fn create(connection: &mut SqliteConnection, new: NewPrompt) -> Result<Prompt, DbError> {
    let NewPrompt { owner, fields, at } = new;
    let (search_text, metadata, created_at) = (fields.search_text(), fields.metadata.as_str(), micros(at));
    let id = sqlx::query_scalar!(
        r#"INSERT INTO prompts (user_id, title, scenario, description, content, metadata, search_text, created_at,
             updated_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) RETURNING id AS "id!: i64""#,
        owner.0,
        fields.title,
        fields.scenario,
        fields.description,
        fields.content,
        metadata,
        search_text,
        created_at,
    )
    .fetch_one(connection)
    .await?;
    Ok(Prompt {
        id: PromptId(id),
        owner: Some(owner),
        version: 1,
        fields,
        usage_count: 0,
        created_at: at,
        updated_at: at,
    })
}

/// Changes a prompt, and keeps the version before it.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    caller: UserId,
    id: PromptId,
    patch: PromptPatch,
    at: Timestamp,
) -> Result<PromptChange<Prompt>, DbError> {
    let before = own!(&mut *connection, caller, id);
    sqlx::query!(
        "INSERT INTO prompt_versions (prompt_id, version, created_at, title, scenario, description, content, metadata)
         SELECT id, version, updated_at, title, scenario, description, content, metadata FROM prompts WHERE id = ?1",
        id.0,
    )
    .execute(&mut *connection)
    .await?;
    let fields = patched(before.fields, patch);
    let (search_text, metadata) = (fields.search_text(), fields.metadata.as_str());
    let updated_at = micros(at).max(micros(before.updated_at) + 1);
    sqlx::query!(
        "UPDATE prompts SET title = ?2, scenario = ?3, description = ?4, content = ?5, metadata = ?6, search_text = ?7,
           updated_at = ?8, version = version + 1
         WHERE id = ?1",
        id.0,
        fields.title,
        fields.scenario,
        fields.description,
        fields.content,
        metadata,
        search_text,
        updated_at,
    )
    .execute(connection)
    .await?;
    let (version, updated_at) = (before.version + 1, updated_at.instant()?);
    Ok(PromptChange::Done(Prompt { version, fields, updated_at, ..before }))
}

fn patched(before: PromptFields, patch: PromptPatch) -> PromptFields {
    let PromptPatch { title, scenario, description, content, metadata } = patch;
    PromptFields {
        title: title.unwrap_or(before.title),
        scenario: scenario.unwrap_or(before.scenario),
        description: description.or(before.description),
        content: content.unwrap_or(before.content),
        metadata: metadata.unwrap_or(before.metadata),
    }
}

/// Deletes a prompt with its versions.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    caller: UserId,
    id: PromptId,
) -> Result<PromptChange<()>, DbError> {
    own!(&mut *connection, caller, id);
    sqlx::query!("DELETE FROM prompts WHERE id = ?1", id.0).execute(connection).await?;
    Ok(PromptChange::Done(()))
}

pub(super) async fn count_use(
    connection: &mut SqliteConnection,
    caller: UserId,
    id: PromptId,
) -> Result<(), DbError> {
    sqlx::query!(
        "UPDATE prompts SET usage_count = usage_count + 1 WHERE id = ?1 AND (user_id = ?2 OR user_id IS NULL)",
        id.0,
        caller.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives rows without a search text theirs.
pub(super) async fn fill_search_texts(connection: &mut SqliteConnection) -> Result<(), DbError> {
    let rows = select_prompts!("WHERE search_text IS NULL ORDER BY id LIMIT ?1", SEARCH_TEXTS_AT_ONCE)
        .fetch_all(&mut *connection)
        .await?;
    for prompt in stored::readable::<_, Prompt, _>(rows, "prompt", |row| row.id) {
        let search_text = prompt.fields.search_text();
        sqlx::query!("UPDATE prompts SET search_text = ?2 WHERE id = ?1", prompt.id.0, search_text)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// The prompt, of any owner.
async fn prompt_of(connection: &mut SqliteConnection, id: PromptId) -> Result<Option<Prompt>, DbError> {
    let row = select_prompts!("WHERE id = ?1", id.0).fetch_optional(connection).await?;
    Ok(row.map(Prompt::try_from).transpose()?)
}
