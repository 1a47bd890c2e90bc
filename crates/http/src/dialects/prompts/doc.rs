//! Descriptions of `/api/chat/prompts*`. The examples are those of S1's document if it has one.

use domain::limits::PROMPT_CONTENT_CHARS;
use domain::{ExpandedTooLong, Failure, FailureKind, PromptId};
use serde_json::{Value, json};
use services::PromptsError;
use utoipa::openapi::path::Parameter;

use super::request::{CreateRequest, MakePreviewRequest, PromptsQuery, UpdateRequest, VersionsQuery};
use super::response::{PreviewBody, PromptBody, PromptsBody, VersionsBody};
use crate::error::{ApiError, FieldError};
use crate::openapi::{OperationDoc, parameters, tags, with};
use crate::wire::DoneMessage;

pub(super) fn create() -> OperationDoc {
    let new = with(texts(), json!({"metadata": {"tags": ["summary", "concise"]}}));
    OperationDoc::new("createPrompt", "Create a prompt")
        .tags([tags::CHAT_API])
        .description(
            "A prompt is a template. Its variables are written `{name}`, with letters and digits of any script, `_`, `-` \
             and `.`; anything else in braces is text.",
        )
        .body::<CreateRequest>([("as documented", new), ("as documented, without metadata", texts())])
        .response::<PromptBody>("The new prompt", [("as documented", documented())])
        .invalid("title", "must not be empty")
}

pub(super) fn list() -> OperationDoc {
    let listed = with(documented(), json!({"metadata": {}, "usage_count": 5}));
    OperationDoc::new("listPrompts", "List prompts")
        .tags([tags::CHAT_API])
        .description(
            "Lists the prompts of the caller and, by default, the system templates, the newest first.",
        )
        .query::<PromptsQuery>()
        .response::<PromptsBody>(
            "A page of prompts, and how many there are",
            [("as documented", json!({"items": [listed], "total": 1, "page": 1, "page_size": 20}))],
        )
        .invalid("page_size", "must be between 1 and 100")
}

pub(super) fn preview() -> OperationDoc {
    let variables = json!({"text": "Sample text to summarize"});
    let failed = [
        FailureKind::Rejected,
        FailureKind::Unauthorized,
        FailureKind::RateLimited,
        FailureKind::Unavailable,
        FailureKind::TimedOut,
        FailureKind::Empty,
    ];
    let failed = failed.map(|kind| PromptsError::Failed(Failure::from(kind)).into());
    OperationDoc::new("previewPrompt", "Have a model answer a prompt")
        .tags([tags::CHAT_API])
        .description(
            "Puts the values in for the variables, once, and sends the text to the preview model. What is put in is not \
             expanded again. Nothing is stored: if the client leaves, the call of the model ends. An answer to a prompt \
             adds one to its usage count.",
        )
        .body::<MakePreviewRequest>([
            ("as documented, a prompt", json!({"prompt_id": 1, "variables": variables})),
            (
                "as documented, a template",
                json!({"content": "Summarize this text: {text}", "variables": variables}),
            ),
            ("an earlier version", json!({"prompt_id": 1, "version": 1, "variables": variables})),
        ])
        .response::<PreviewBody>(
            "The answer",
            [(
                "as documented",
                json!({
                    "preview": "Generated summary of the sample text...",
                    "tokens_used": 150,
                    "model_used": "gpt-3.5-turbo"
                }),
            )],
        )
        .rate_limited()
        .errors([
            PromptsError::NothingToPreview.into(),
            no_prompt(),
            PromptsError::NoVersion { prompt: PromptId(1), version: 9 }.into(),
            PromptsError::from(ExpandedTooLong { max: PROMPT_CONTENT_CHARS }).into(),
            PromptsError::ShuttingDown.into(),
        ])
        .errors(failed)
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getPrompt", "Get a prompt")
        .tags([tags::CHAT_API])
        .path_param(id())
        .response::<PromptBody>("The prompt", [("as documented", documented())])
        .errors([no_prompt(), not_a_number()])
}

pub(super) fn update() -> OperationDoc {
    let all = json!({
        "title": "Updated Title",
        "content": "Updated content with {variable}",
        "scenario": "new_scenario",
        "description": "Updated description"
    });
    let some = json!({"title": "Updated Title", "content": "Updated content"});
    let changed = with(with(documented(), all.clone()), json!({"updated_at": "2024-12-11T01:25:00Z"}));
    OperationDoc::new("updatePrompt", "Change a prompt")
        .tags([tags::CHAT_API])
        .description(
            "Fields that are absent are not changed; metadata is replaced. The version before the change is kept. System \
             templates cannot be changed.",
        )
        .path_param(id())
        .body::<UpdateRequest>([("as documented", all), ("as documented, two fields", some)])
        .response::<PromptBody>("The changed prompt", [("changed", changed)])
        .errors([no_prompt(), template(), nothing_to_change()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deletePrompt", "Delete a prompt")
        .tags([tags::CHAT_API])
        .description(
            "Deletes the prompt for good, with all its versions. System templates cannot be deleted.",
        )
        .path_param(id())
        .response::<DoneMessage>(
            "The prompt is deleted",
            [("as documented", json!({"message": "Prompt deleted successfully"}))],
        )
        .errors([no_prompt(), template(), not_a_number()])
}

pub(super) fn versions() -> OperationDoc {
    let version = |number: u32, title: &str, created_at: &str| {
        let version = json!({"version": number, "title": title, "metadata": {}, "created_at": created_at});
        with(texts(), version)
    };
    let newest = version(2, "Updated Title", "2024-12-11T01:25:00Z");
    let first = version(1, "Text Summarizer", "2024-12-11T01:19:23Z");
    OperationDoc::new("listPromptVersions", "List the versions of a prompt")
        .tags([tags::CHAT_API])
        .description(
            "Each change of a prompt makes a version. The newest one comes first: it is the current one.",
        )
        .path_param(id())
        .query::<VersionsQuery>()
        .response::<VersionsBody>("The versions", [("two", json!({"items": [newest, first]}))])
        .errors([no_prompt()])
        .invalid("limit", "must be between 1 and 100")
}

fn id() -> Parameter {
    parameters::number("id", "The id of the prompt", 1)
}

fn no_prompt() -> ApiError {
    PromptsError::NotFound(PromptId(1)).into()
}

fn template() -> ApiError {
    PromptsError::Template(PromptId(1)).into()
}

fn not_a_number() -> ApiError {
    FieldError::new("id", "must be an integer").into()
}

fn nothing_to_change() -> ApiError {
    FieldError::whole("title, content, scenario, description or metadata is required").into()
}

fn texts() -> Value {
    json!({
        "title": "Text Summarizer",
        "content": "Summarize the following text: {text}",
        "scenario": "summarization",
        "description": "Generates concise summaries"
    })
}

fn documented() -> Value {
    let more = json!({
        "id": 1,
        "metadata": {"tags": ["summary", "concise"]},
        "is_template": false,
        "usage_count": 0,
        "created_at": "2024-12-11T01:19:23Z",
        "updated_at": "2024-12-11T01:19:23Z"
    });
    with(texts(), more)
}
