//! Prompts and their versions.

use async_trait::async_trait;
use domain::{JsonText, Page, Prompt, PromptFields, PromptId, PromptVersion, Timestamp, UserId};

use crate::StoreError;

/// A prompt to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrompt {
    /// The user that it belongs to.
    pub owner: UserId,
    /// Its first version.
    pub fields: PromptFields,
    /// The time of creation.
    pub at: Timestamp,
}

/// Changes to a prompt; fields that are `None` stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptPatch {
    /// A new title.
    pub title: Option<String>,
    /// A new scenario.
    pub scenario: Option<String>,
    /// A new description.
    pub description: Option<String>,
    /// A new template.
    pub content: Option<String>,
    /// A new JSON object, in place of the old one.
    pub metadata: Option<JsonText>,
}

/// Which prompts a list has. All conditions apply together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptFilter {
    /// Only those with this scenario.
    pub scenario: Option<String>,
    /// Whether system templates are listed too.
    pub include_templates: bool,
    /// Only those with this text in their title, content or description, in any letter case. Each character stands for
    /// itself.
    pub search: Option<String>,
}

/// A page of a list of prompts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptPage {
    /// The prompts, newest first.
    pub items: Vec<Prompt>,
    /// How many prompts the whole list has.
    pub total: u64,
}

/// The result of a change of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptChange<T> {
    /// It belongs to the caller and was changed.
    Done(T),
    /// It is a system template, and was not changed.
    Template,
    /// The caller sees no such prompt: it does not exist, or belongs to another user.
    Absent,
}

/// Prompts. Every method checks in the query itself what the caller sees: their own prompts and system templates.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PromptStore: Send + Sync {
    /// Creates a prompt.
    async fn create(&self, new: NewPrompt) -> Result<Prompt, StoreError>;

    /// Finds a prompt that the caller sees.
    async fn find(&self, caller: UserId, id: PromptId) -> Result<Option<Prompt>, StoreError>;

    /// Lists prompts that the caller sees, the newest first. Both stores find the same, whatever the collation of the
    /// database.
    async fn list(&self, caller: UserId, filter: PromptFilter, page: Page) -> Result<PromptPage, StoreError>;

    /// Changes a prompt of the caller's, and keeps the version before it. The time of the new version is `at`, or just
    /// after that of the old one if `at` is not later.
    async fn update(
        &self,
        caller: UserId,
        id: PromptId,
        patch: PromptPatch,
        at: Timestamp,
    ) -> Result<PromptChange<Prompt>, StoreError>;

    /// Deletes a prompt of the caller's with all its versions.
    async fn delete(&self, caller: UserId, id: PromptId) -> Result<PromptChange<()>, StoreError>;

    /// Lists the versions of a prompt that the caller sees, the newest and current one first. The list is empty if the
    /// caller does not see it.
    async fn versions(
        &self,
        caller: UserId,
        id: PromptId,
        page: Page,
    ) -> Result<Vec<PromptVersion>, StoreError>;

    /// Finds a version of a prompt that the caller sees.
    async fn version(
        &self,
        caller: UserId,
        id: PromptId,
        version: u32,
    ) -> Result<Option<PromptVersion>, StoreError>;

    /// Adds one to the usage count of a prompt that the caller sees. Nothing else changes. One that does not exist is no
    /// error.
    async fn count_use(&self, caller: UserId, id: PromptId) -> Result<(), StoreError>;
}
