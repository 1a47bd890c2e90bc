//! Prompts, their versions, and the search for them.

mod edit;

use async_trait::async_trait;
use domain::prompt_template::SearchQuery;
use domain::{Page, Prompt, PromptId, PromptVersion, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use futures_util::future::ready;
use ports::{NewPrompt, PromptChange, PromptFilter, PromptPage, PromptPatch, PromptStore, StoreError};
use stored::{PromptColumns, PromptVersionColumns, count_from, readable};

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::json_of;

/// A statement that returns prompts; takes what comes after their columns, and its arguments.
macro_rules! select_prompts {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            stored::PromptColumns::<i64>,
            r#"SELECT id AS "id!", user_id, version, usage_count, created_at, updated_at, title, scenario, description,
                 content, metadata
               FROM prompts "# + $tail
            $(, $argument)*
        )
    };
}
use select_prompts;

/// A statement that returns versions of a prompt that a caller sees, the current one included. Its first arguments are
/// the prompt and the caller.
macro_rules! select_versions {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            PromptVersionColumns::<i64>,
            r#"SELECT version AS "version!: i64", created_at AS "created_at!: i64", title AS "title!: String",
                 scenario AS "scenario!: String", description AS "description: String",
                 content AS "content!: String", metadata AS "metadata!: String"
               FROM (
                 SELECT p.version, p.updated_at AS created_at, p.title, p.scenario, p.description, p.content, p.metadata
                 FROM prompts p WHERE p.id = ?1 AND (p.user_id = ?2 OR p.user_id IS NULL)
                 UNION ALL
                 SELECT e.version, e.created_at, e.title, e.scenario, e.description, e.content, e.metadata
                 FROM prompts p JOIN prompt_versions e ON e.prompt_id = p.id
                 WHERE p.id = ?1 AND (p.user_id = ?2 OR p.user_id IS NULL)
               ) "# + $tail
            $(, $argument)*
        )
    };
}

#[async_trait]
impl PromptStore for SqliteStore {
    async fn create(&self, new: NewPrompt) -> Result<Prompt, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(edit::create(connection, new.clone()))).await?)
    }

    async fn find(&self, caller: UserId, id: PromptId) -> Result<Option<Prompt>, StoreError> {
        let row = select_prompts!("WHERE id = ?1 AND (user_id = ?2 OR user_id IS NULL)", id.0, caller.0)
            .fetch_optional(&self.reads)
            .await
            .map_err(DbError::from)?;
        Ok(row.map(Prompt::try_from).transpose()?)
    }

    async fn list(&self, caller: UserId, filter: PromptFilter, page: Page) -> Result<PromptPage, StoreError> {
        if filter.search.is_some() {
            self.fill_search_texts().await?;
        }
        Ok(self.page(caller, filter, page).await?)
    }

    async fn update(
        &self,
        caller: UserId,
        id: PromptId,
        patch: PromptPatch,
        at: Timestamp,
    ) -> Result<PromptChange<Prompt>, StoreError> {
        let update = self
            .writer
            .write(move |connection| Box::pin(edit::update(connection, caller, id, patch.clone(), at)));
        Ok(update.await?)
    }

    async fn delete(&self, caller: UserId, id: PromptId) -> Result<PromptChange<()>, StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(edit::delete(connection, caller, id))).await?)
    }

    async fn versions(
        &self,
        caller: UserId,
        id: PromptId,
        page: Page,
    ) -> Result<Vec<PromptVersion>, StoreError> {
        let (limit, offset) = (i64::from(page.limit), i64::from(page.offset));
        let rows =
            select_versions!("ORDER BY version DESC LIMIT ?3 OFFSET ?4", id.0, caller.0, limit, offset)
                .fetch_all(&self.reads)
                .await
                .map_err(DbError::from)?;
        Ok(readable(rows, "version of a prompt", |row| row.version))
    }

    async fn version(
        &self,
        caller: UserId,
        id: PromptId,
        version: u32,
    ) -> Result<Option<PromptVersion>, StoreError> {
        let row = select_versions!("WHERE version = ?3", id.0, caller.0, version)
            .fetch_optional(&self.reads)
            .await
            .map_err(DbError::from)?;
        Ok(row.map(PromptVersion::try_from).transpose()?)
    }

    async fn count_use(&self, caller: UserId, id: PromptId) -> Result<(), StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(edit::count_use(connection, caller, id))).await?)
    }
}

impl SqliteStore {
    /// A page of the prompts that match, and how many there are.
    async fn page(&self, caller: UserId, filter: PromptFilter, page: Page) -> Result<PromptPage, DbError> {
        // Ids first, so that contents are read of the page alone.
        let (ids, total) = self.matching(caller, filter, page).await?;
        // The plus signs keep the database from looking for the rows by their owners.
        let rows = select_prompts!(
            "WHERE id IN (SELECT value FROM json_each(?1)) AND (+user_id = ?2 OR +user_id IS NULL) ORDER BY id DESC",
            ids,
            caller.0,
        )
        .fetch_all(&self.reads)
        .await?;
        let items = readable(rows, "prompt", |row: &PromptColumns<i64>| row.id);
        Ok(PromptPage { items, total })
    }

    /// The ids of a page of the prompts that match, as a JSON list, and how many match.
    async fn matching(
        &self,
        caller: UserId,
        filter: PromptFilter,
        page: Page,
    ) -> Result<(String, u64), DbError> {
        let PromptFilter { scenario, include_templates, search } = filter;
        let query = search.as_deref().map(SearchQuery::new);
        if let Some(query) = query.as_ref().filter(|query| query.is_long()) {
            let ids = self.matching_long(caller, scenario, include_templates, query).await?;
            return Ok((json_of(&page.of(&ids))?, ids.len() as u64));
        }
        let start = query.as_ref().map(SearchQuery::start);
        let found = sqlx::query!(
            r#"WITH matching AS MATERIALIZED (
                 SELECT id FROM prompts
                 WHERE (user_id = ?1 OR (?2 AND user_id IS NULL))
                   AND (?3 IS NULL OR scenario = ?3)
                   AND (?4 IS NULL OR instr(search_text, ?4) > 0))
               SELECT (SELECT count(*) FROM matching) AS "total!: i64",
                 (SELECT json_group_array(id) FROM (SELECT id FROM matching ORDER BY id DESC LIMIT ?5 OFFSET ?6))
                   AS "ids!: String""#,
            caller.0,
            include_templates,
            scenario,
            start,
            page.limit,
            page.offset,
        )
        .fetch_one(&self.reads)
        .await?;
        Ok((found.ids, count_from(found.total)?))
    }

    /// The ids of all prompts that match a long query, the newest first. The search texts are read one by one.
    async fn matching_long(
        &self,
        caller: UserId,
        scenario: Option<String>,
        include_templates: bool,
        query: &SearchQuery,
    ) -> Result<Vec<i64>, DbError> {
        let (start, whole) = (query.start(), query.whole());
        let ids = sqlx::query!(
            r#"SELECT id AS "id!: i64", search_text AS "search_text!"
               FROM prompts
               WHERE (user_id = ?1 OR (?2 AND user_id IS NULL))
                 AND (?3 IS NULL OR scenario = ?3)
                 AND instr(search_text, CASE WHEN octet_length(search_text) > ?4 THEN ?5 ELSE ?6 END) > 0
               ORDER BY id DESC"#,
            caller.0,
            include_templates,
            scenario,
            SearchQuery::SHORT_TEXT_BYTES,
            start,
            whole,
        )
        .fetch(&self.reads)
        .try_filter_map(|row| ready(Ok(query.is_in(&row.search_text).then_some(row.id))))
        .try_collect()
        .await?;
        Ok(ids)
    }

    /// Gives rows that an operator has written their search texts, which are made here because the database does not know
    /// the letters of all scripts.
    async fn fill_search_texts(&self) -> Result<(), DbError> {
        let any = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT 1 FROM prompts WHERE search_text IS NULL) AS "any: bool""#
        )
        .fetch_one(&self.reads)
        .await?;
        if any {
            self.writer.write(move |connection| Box::pin(edit::fill_search_texts(connection))).await?;
        }
        Ok(())
    }
}
