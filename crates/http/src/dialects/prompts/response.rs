//! Responses with prompts.

use domain::{JsonText, Prompt, PromptFields, PromptVersion};
use serde::Serialize;
use serde_json::{Map, Value};
use services::{Preview, PromptPage};

use crate::extract::NumberedPage;
use crate::wire;

/// A prompt.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Prompt)]
pub(crate) struct PromptBody {
    id: i64,
    title: String,
    /// The template. Variables are written `{name}`.
    content: String,
    /// What the prompt is for, in a word or two.
    scenario: String,
    description: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    /// Whether it is a system template, which every user sees and nobody changes.
    is_template: bool,
    /// How many previews of it had an answer.
    usage_count: u64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<Prompt> for PromptBody {
    fn from(prompt: Prompt) -> Self {
        let Prompt { id, owner, version: _, fields, usage_count, created_at, updated_at } = prompt;
        let PromptFields { title, scenario, description, content, metadata } = fields;
        Self {
            id: id.0,
            title,
            content,
            scenario,
            description,
            metadata: object(&metadata),
            is_template: owner.is_none(),
            usage_count,
            created_at: wire::time(created_at),
            updated_at: wire::time(updated_at),
        }
    }
}

/// A page of prompts.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Prompts)]
pub(crate) struct PromptsBody {
    /// The prompts, newest first.
    items: Vec<PromptBody>,
    /// How many prompts match on all pages.
    total: u64,
    /// The number of the page, from 1.
    page: u32,
    /// The largest number of prompts on a page.
    page_size: u32,
}

impl PromptsBody {
    pub(crate) fn new(found: PromptPage, page: NumberedPage) -> Self {
        let PromptPage { items, total } = found;
        let NumberedPage { number, size } = page;
        Self {
            items: items.into_iter().map(PromptBody::from).collect(),
            total,
            page: number,
            page_size: size,
        }
    }
}

/// The versions of a prompt.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PromptVersions)]
pub(crate) struct VersionsBody {
    /// The versions, newest first. The first one is the current one.
    items: Vec<VersionBody>,
}

/// A version of a prompt.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PromptVersion)]
struct VersionBody {
    /// The number, from 1.
    version: u32,
    title: String,
    content: String,
    scenario: String,
    description: Option<String>,
    #[schema(value_type = Object)]
    metadata: Value,
    /// When this version was written.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<Vec<PromptVersion>> for VersionsBody {
    fn from(versions: Vec<PromptVersion>) -> Self {
        let body = |PromptVersion { version, fields, created_at }| {
            let PromptFields { title, scenario, description, content, metadata } = fields;
            VersionBody {
                version,
                title,
                content,
                scenario,
                description,
                metadata: object(&metadata),
                created_at: wire::time(created_at),
            }
        };
        Self { items: versions.into_iter().map(body).collect() }
    }
}

/// The object. One that an operator has written is shown as empty if it has more levels, or larger numbers, than programs
/// commonly read: the answer would be of no use to them.
fn object(metadata: &JsonText) -> Value {
    serde_json::from_str(metadata.as_str()).unwrap_or_else(|_| Value::Object(Map::new()))
}

/// The answer of a model to a prompt.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Preview)]
pub(crate) struct PreviewBody {
    /// The text of the answer.
    preview: String,
    /// The tokens of the prompt and of the answer.
    tokens_used: u64,
    /// The model that answered.
    model_used: String,
}

impl From<Preview> for PreviewBody {
    fn from(preview: Preview) -> Self {
        let Preview { text, tokens, model } = preview;
        Self { preview: text, tokens_used: tokens, model_used: model.to_string() }
    }
}
