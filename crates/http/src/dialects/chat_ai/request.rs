//! Requests of S3.

use domain::{Contract, ConversationKey, ModelMessage, Part};
use serde::Deserialize;
use services::{SendMessage, SendTarget};
use validator::Validate;

use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::{flag, flag_schema, text};

/// A message to send. The contract's document writes `stream` as a string.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = ChatAiMessageRequest)]
pub(crate) struct CompletionRequest {
    /// The user's message.
    message: String,
    #[serde(default, deserialize_with = "flag")]
    #[schema(schema_with = flag_schema, required = false)]
    stream: Option<bool>,
}

impl CompletionRequest {
    /// Whether to stream the reply; `false` by default.
    pub(crate) fn wants_stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// The message to send.
    pub(crate) fn into_command(
        self,
        key: ConversationKey,
        settings: &HttpSettings,
    ) -> Result<SendMessage, FieldError> {
        let message = text("message", &self.message, settings.public.limits.max_input_length)?;
        let question = ModelMessage::from_user(vec![Part::Text(message)]);
        let model = settings.default_models.chat_service.clone();
        Ok(SendMessage::plain(SendTarget::Existing(key), Contract::ChatAi, model, question))
    }
}
