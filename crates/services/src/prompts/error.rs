//! The errors of prompts and previews.

use domain::{ErrorCode, ExpandedTooLong, Failure, PromptId};
use ports::StoreError;

use crate::{DescribeError, ErrorDescription};

/// A prompt could not be read, changed or previewed.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// The caller sees no such prompt.
    #[error("Prompt {0} not found")]
    NotFound(PromptId),
    /// The prompt has no such version.
    #[error("Prompt {prompt} has no version {version}")]
    NoVersion {
        /// The prompt.
        prompt: PromptId,
        /// The number that was asked for.
        version: u32,
    },
    /// A system template cannot be changed.
    #[error("Prompt {0} is a system template and cannot be changed")]
    Template(PromptId),
    /// A preview needs a prompt or a template.
    #[error("prompt_id or content is required")]
    NothingToPreview,
    /// The text of a preview is too long.
    #[error(transparent)]
    TooLong(#[from] ExpandedTooLong),
    /// The text of a preview is blank.
    #[error("the text is blank once its variables are put in")]
    Blank,
    /// The model call of a preview failed.
    #[error("{}", .0.kind.message())]
    Failed(Failure),
    /// The service is shutting down.
    #[error("The service is shutting down")]
    ShuttingDown,
    /// The store failed.
    #[error("The prompt could not be read or stored")]
    Store(#[from] StoreError),
}

impl DescribeError for PromptsError {
    fn describe(&self) -> ErrorDescription {
        match self {
            Self::NotFound(_) => ErrorCode::PromptNotFound.into(),
            Self::NoVersion { .. } => ErrorCode::PromptVersionNotFound.into(),
            Self::Template(_) => ErrorCode::PromptForbidden.into(),
            Self::NothingToPreview => ErrorCode::BadRequest.into(),
            Self::TooLong(_) | Self::Blank => {
                ErrorDescription { param: Some("variables"), ..ErrorCode::ValidationError.into() }
            }
            Self::Failed(failure) => (*failure).into(),
            Self::ShuttingDown => ErrorCode::ShuttingDown.into(),
            Self::Store(error) => error.describe(),
        }
    }
}
