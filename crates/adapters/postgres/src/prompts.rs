//! Prompts, their versions, and the search for them.

use async_trait::async_trait;
use domain::prompt_template::{SearchQuery, search_part};
use domain::{JsonText, Page, Prompt, PromptFields, PromptId, PromptVersion, Timestamp, UserId};
use futures_util::TryStreamExt as _;
use futures_util::future::ready;
use ports::{NewPrompt, PromptChange, PromptFilter, PromptPage, PromptPatch, PromptStore, StoreError};
use stored::{PromptColumns, PromptVersionColumns, count_from, readable};

use crate::PostgresStore;
use crate::error::DbError;

/// The most rows that get their search text before a search.
const SEARCH_TEXTS_AT_ONCE: i64 = 1_000;

/// A statement that returns prompts: `$head` comes before its `SELECT`, `$tail` after the columns of `p`.
macro_rules! select_prompts {
    ($head:literal, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            PromptColumns::<Timestamp>,
            $head
                + r#" SELECT p.id AS "id!", p.user_id, p.version::bigint AS "version!",
                        p.usage_count AS "usage_count!", p.created_at AS "created_at!",
                        p.updated_at AS "updated_at!", p.title AS "title!", p.scenario AS "scenario!",
                        p.description, p.content AS "content!", p.metadata AS "metadata!" "#
                + $tail
            $(, $argument)*
        )
    };
}

/// A statement that returns versions of a prompt that a caller sees, the current one included. Its first arguments are
/// the prompt and the caller.
macro_rules! select_versions {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            PromptVersionColumns::<Timestamp>,
            r#"WITH seen AS (
                 SELECT p.* FROM omnichat.prompts p WHERE p.id = $1 AND (p.user_id = $2 OR p.user_id IS NULL)
               )
               SELECT v.version::bigint AS "version!", v.created_at AS "created_at!", v.title AS "title!",
                 v.scenario AS "scenario!", v.description, v.content AS "content!", v.metadata AS "metadata!"
               FROM (
                 SELECT s.version, s.updated_at AS created_at, s.title, s.scenario, s.description, s.content, s.metadata
                 FROM seen s
                 UNION ALL
                 SELECT e.version, e.created_at, e.title, e.scenario, e.description, e.content, e.metadata
                 FROM seen s JOIN omnichat.prompt_versions e ON e.prompt_id = s.id
               ) v "# + $tail
            $(, $argument)*
        )
    };
}

#[async_trait]
impl PromptStore for PostgresStore {
    async fn create(&self, new: NewPrompt) -> Result<Prompt, StoreError> {
        let NewPrompt { owner, fields, at } = new;
        let search_text = fields.search_text();
        let PromptFields { title, scenario, description, content, metadata } = fields;
        let insert = |pool| {
            select_prompts!(
                "WITH made AS (
                   INSERT INTO omnichat.prompts (user_id, title, scenario, description, content, metadata, search_text,
                     created_at, updated_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
                   RETURNING *
                 )",
                "FROM made p",
                owner.0,
                title,
                scenario,
                description.as_deref(),
                content,
                metadata.as_str(),
                search_text,
                at,
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(insert).await?.try_into()?)
    }

    async fn find(&self, caller: UserId, id: PromptId) -> Result<Option<Prompt>, StoreError> {
        let read = |pool| {
            select_prompts!(
                "",
                "FROM omnichat.prompts p WHERE p.id = $1 AND (p.user_id = $2 OR p.user_id IS NULL)",
                id.0,
                caller.0,
            )
            .fetch_optional(pool)
        };
        Ok(self.pool.run(read).await?.map(Prompt::try_from).transpose()?)
    }

    async fn list(&self, caller: UserId, filter: PromptFilter, page: Page) -> Result<PromptPage, StoreError> {
        if filter.search.is_some() {
            self.fill_search_texts().await?;
        }
        // Ids first, so that contents are read of the page alone.
        let (ids, total) = self.matching(caller, filter, page).await?;
        let read = |pool| {
            select_prompts!(
                "",
                "FROM omnichat.prompts p
                 WHERE p.id = ANY ($1) AND (p.user_id = $2 OR p.user_id IS NULL)
                 ORDER BY p.id DESC",
                &ids,
                caller.0,
            )
            .fetch_all(pool)
        };
        let items = readable(self.pool.run(read).await?, "prompt", |row| row.id);
        Ok(PromptPage { items, total })
    }

    async fn update(
        &self,
        caller: UserId,
        id: PromptId,
        patch: PromptPatch,
        at: Timestamp,
    ) -> Result<PromptChange<Prompt>, StoreError> {
        let PromptPatch { title, scenario, description, content, metadata } = patch;
        let part = |text: &Option<String>| text.as_deref().map(search_part);
        let (search_title, search_content) = (part(&title), part(&content));
        let search_description = part(&description);
        // The row is locked before it is read, so each of two calls at the same time keeps the version that it replaces.
        // Where the search text is NULL, it stays so.
        let update = |pool| {
            select_prompts!(
                "WITH before AS (
                   SELECT p.* FROM omnichat.prompts p WHERE p.id = $1 AND p.user_id = $2 FOR UPDATE
                 ),
                 kept AS (
                   INSERT INTO omnichat.prompt_versions (prompt_id, version, created_at, title, scenario, description,
                     content, metadata)
                   SELECT b.id, b.version, b.updated_at, b.title, b.scenario, b.description, b.content, b.metadata
                   FROM before b
                 ),
                 changed AS (
                   UPDATE omnichat.prompts p
                   SET title = coalesce($3, b.title), scenario = coalesce($4, b.scenario),
                     description = coalesce($5, b.description), content = coalesce($6, b.content),
                     metadata = coalesce($7, b.metadata), version = b.version + 1,
                     updated_at = greatest($8, b.updated_at + interval '1 microsecond'),
                     search_text = coalesce($9, split_part(b.search_text, chr(1), 1)) || chr(1)
                       || coalesce($10, split_part(b.search_text, chr(1), 2)) || chr(1)
                       || coalesce($11, split_part(b.search_text, chr(1), 3))
                   FROM before b WHERE p.id = b.id
                   RETURNING p.*
                 )",
                "FROM (
                   SELECT c.* FROM changed c
                   UNION ALL
                   SELECT t.* FROM omnichat.prompts t WHERE t.id = $1 AND t.user_id IS NULL
                 ) p",
                id.0,
                caller.0,
                title.as_deref(),
                scenario.as_deref(),
                description.as_deref(),
                content.as_deref(),
                metadata.as_ref().map(JsonText::as_str),
                at,
                search_title.as_deref(),
                search_content.as_deref(),
                search_description.as_deref(),
            )
            .fetch_optional(pool)
        };
        Ok(match self.pool.run(update).await? {
            Some(row) if row.user_id.is_none() => PromptChange::Template,
            Some(row) => PromptChange::Done(row.try_into()?),
            None => PromptChange::Absent,
        })
    }

    async fn delete(&self, caller: UserId, id: PromptId) -> Result<PromptChange<()>, StoreError> {
        let delete = |pool| {
            sqlx::query!(
                r#"WITH deleted AS (
                     DELETE FROM omnichat.prompts p WHERE p.id = $1 AND p.user_id = $2 RETURNING p.id
                   )
                   SELECT EXISTS (SELECT FROM deleted) AS "is_deleted!",
                     EXISTS (SELECT FROM omnichat.prompts t WHERE t.id = $1 AND t.user_id IS NULL) AS "is_template!""#,
                id.0,
                caller.0,
            )
            .fetch_one(pool)
        };
        let row = self.pool.run(delete).await?;
        Ok(if row.is_deleted {
            PromptChange::Done(())
        } else if row.is_template {
            PromptChange::Template
        } else {
            PromptChange::Absent
        })
    }

    async fn versions(
        &self,
        caller: UserId,
        id: PromptId,
        page: Page,
    ) -> Result<Vec<PromptVersion>, StoreError> {
        let read = |pool| {
            select_versions!(
                "ORDER BY v.version DESC LIMIT $3 OFFSET $4",
                id.0,
                caller.0,
                i64::from(page.limit),
                i64::from(page.offset),
            )
            .fetch_all(pool)
        };
        Ok(readable(self.pool.run(read).await?, "version of a prompt", |row| row.version))
    }

    async fn version(
        &self,
        caller: UserId,
        id: PromptId,
        version: u32,
    ) -> Result<Option<PromptVersion>, StoreError> {
        let read = |pool| {
            select_versions!("WHERE v.version = $3::bigint", id.0, caller.0, i64::from(version))
                .fetch_optional(pool)
        };
        Ok(self.pool.run(read).await?.map(PromptVersion::try_from).transpose()?)
    }

    async fn count_use(&self, caller: UserId, id: PromptId) -> Result<(), StoreError> {
        let update = |pool| {
            sqlx::query!(
                "UPDATE omnichat.prompts SET usage_count = usage_count + 1
                 WHERE id = $1 AND (user_id = $2 OR user_id IS NULL)",
                id.0,
                caller.0,
            )
            .execute(pool)
        };
        self.pool.run(update).await?;
        Ok(())
    }
}

impl PostgresStore {
    /// The ids of a page of the prompts that match, and how many match.
    async fn matching(
        &self,
        caller: UserId,
        filter: PromptFilter,
        page: Page,
    ) -> Result<(Vec<i64>, u64), DbError> {
        let PromptFilter { scenario, include_templates, search } = filter;
        let query = search.as_deref().map(SearchQuery::new);
        if let Some(query) = query.as_ref().filter(|query| query.is_long()) {
            let ids = self.matching_long(caller, scenario.as_deref(), include_templates, query).await?;
            return Ok((page.of(&ids), ids.len() as u64));
        }
        let find = |pool| {
            sqlx::query!(
                r#"WITH matching AS MATERIALIZED (
                     SELECT p.id FROM omnichat.prompts p
                     WHERE (p.user_id = $1 OR ($2 AND p.user_id IS NULL))
                       AND ($3::text IS NULL OR p.scenario = $3)
                       AND ($4::text IS NULL OR position($4 IN p.search_text) > 0)
                   )
                   SELECT (SELECT count(*) FROM matching) AS "total!",
                     ARRAY (SELECT m.id FROM matching m ORDER BY m.id DESC LIMIT $5 OFFSET $6) AS "ids!""#,
                caller.0,
                include_templates,
                scenario.as_deref(),
                query.as_ref().map(SearchQuery::start),
                i64::from(page.limit),
                i64::from(page.offset),
            )
            .fetch_one(pool)
        };
        let found = self.pool.run(find).await?;
        Ok((found.ids, count_from(found.total)?))
    }

    /// The ids of all prompts that match a long query, the newest first. The search texts are read one by one.
    async fn matching_long(
        &self,
        caller: UserId,
        scenario: Option<&str>,
        include_templates: bool,
        query: &SearchQuery,
    ) -> Result<Vec<i64>, DbError> {
        let find = |pool| {
            sqlx::query!(
                r#"SELECT p.id, p.search_text AS "search_text!"
                   FROM omnichat.prompts p
                   WHERE (p.user_id = $1 OR ($2 AND p.user_id IS NULL))
                     AND ($3::text IS NULL OR p.scenario = $3)
                     AND position(
                       CASE WHEN octet_length(p.search_text) > $4::bigint THEN $5::text ELSE $6::text END IN p.search_text
                     ) > 0
                   ORDER BY p.id DESC"#,
                caller.0,
                include_templates,
                scenario,
                i64::from(SearchQuery::SHORT_TEXT_BYTES),
                query.start(),
                query.whole(),
            )
            .fetch(pool)
            .try_filter_map(|row| ready(Ok(query.is_in(&row.search_text).then_some(row.id))))
            .try_collect()
        };
        self.pool.run(find).await
    }

    /// Gives rows that an operator has written their search texts, which are made here because the database may not know
    /// the letters of all scripts.
    async fn fill_search_texts(&self) -> Result<(), DbError> {
        let read = |pool| {
            select_prompts!(
                "",
                "FROM omnichat.prompts p WHERE p.search_text IS NULL ORDER BY p.id LIMIT $1",
                SEARCH_TEXTS_AT_ONCE,
            )
            .fetch_all(pool)
        };
        let rows = self.pool.run(read).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let prompts: Vec<Prompt> = readable(rows, "prompt", |row| row.id);
        let ids: Vec<i64> = prompts.iter().map(|prompt| prompt.id.0).collect();
        let times: Vec<Timestamp> = prompts.iter().map(|prompt| prompt.updated_at).collect();
        let texts: Vec<String> = prompts.iter().map(|prompt| prompt.fields.search_text()).collect();
        // A row that has changed meanwhile waits for the next search.
        let update = |pool| {
            sqlx::query!(
                "UPDATE omnichat.prompts p SET search_text = t.search_text
                 FROM unnest($1::bigint[], $2::timestamptz[], $3::text[]) AS t (id, updated_at, search_text)
                 WHERE p.id = t.id AND p.updated_at = t.updated_at AND p.search_text IS NULL",
                &ids,
                &times,
                &texts,
            )
            .execute(pool)
        };
        self.pool.run(update).await?;
        Ok(())
    }
}
