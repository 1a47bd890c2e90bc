//! Rows of `prompts` and `prompt_versions`.

use domain::{JsonText, Prompt, PromptFields, PromptId, PromptVersion, UserId};

use crate::{StoredError, StoredTime, count_from};

/// A row of `prompts`; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct PromptColumns<T> {
    pub id: i64,
    pub user_id: Option<i64>,
    pub version: i64,
    pub usage_count: i64,
    pub created_at: T,
    pub updated_at: T,
    pub title: String,
    pub scenario: String,
    pub description: Option<String>,
    pub content: String,
    pub metadata: String,
}

/// A version of a prompt; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct PromptVersionColumns<T> {
    pub version: i64,
    pub created_at: T,
    pub title: String,
    pub scenario: String,
    pub description: Option<String>,
    pub content: String,
    pub metadata: String,
}

impl<T: StoredTime> TryFrom<PromptColumns<T>> for Prompt {
    type Error = StoredError;

    fn try_from(row: PromptColumns<T>) -> Result<Self, StoredError> {
        let PromptColumns { id, user_id, version, usage_count, created_at, updated_at, .. } = row;
        let PromptColumns { title, scenario, description, content, metadata, .. } = row;
        let metadata = JsonText::from_parsed(metadata);
        Ok(Self {
            id: PromptId(id),
            owner: user_id.map(UserId),
            version: count_from(version)?,
            fields: PromptFields { title, scenario, description, content, metadata },
            usage_count: count_from(usage_count)?,
            created_at: created_at.instant()?,
            updated_at: updated_at.instant()?,
        })
    }
}

impl<T: StoredTime> TryFrom<PromptVersionColumns<T>> for PromptVersion {
    type Error = StoredError;

    fn try_from(row: PromptVersionColumns<T>) -> Result<Self, StoredError> {
        let PromptVersionColumns { version, created_at, title, scenario, description, content, metadata } =
            row;
        let metadata = JsonText::from_parsed(metadata);
        Ok(Self {
            version: count_from(version)?,
            fields: PromptFields { title, scenario, description, content, metadata },
            created_at: created_at.instant()?,
        })
    }
}
