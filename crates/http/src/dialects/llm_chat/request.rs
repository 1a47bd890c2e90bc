//! The request of `POST /chat`.

mod input;

use std::sync::Arc;

use domain::{Contract, ConversationKey, Label, ModelMessage, ModelName, RequestOptions, Sampling, text};
use serde::Deserialize;
use services::{NewConversationRequest, SendMessage, SendTarget};
use utoipa::openapi::Object;
use validator::Validate;

use crate::HttpSettings;
use crate::error::{ApiError, FieldError};
use crate::extract::{TextOrNumber, flag, flag_schema, parsed, some_integer, text_or_number_schema};
use crate::wire::IdForm;
use input::Input;

/// A message to send.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
pub(crate) struct ChatRequest {
    input: Input,
    #[schema(schema_with = label_schema, required = false)]
    user_id: Option<TextOrNumber>,
    #[schema(schema_with = conversation_schema, required = false)]
    conversation_id: Option<TextOrNumber>,
    /// The model for this turn.
    #[schema(max_length = 128)]
    model: Option<String>,
    /// System instructions for this turn.
    instructions: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    #[schema(schema_with = flag_schema, required = false)]
    stream: Option<bool>,
    /// The sampling temperature; the provider's default without it.
    #[validate(range(min = 0.0, max = 2.0, message = "must be between 0 and 2"))]
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    /// The largest number of tokens of the reply.
    #[serde(default, deserialize_with = "some_integer")]
    #[validate(range(
        min = 1,
        max = "domain::limits::MAX_TOKENS",
        message = "must be between 1 and 2147483647"
    ))]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    max_tokens: Option<u32>,
    /// The probability mass for nucleus sampling; the provider's default without it.
    #[validate(range(min = 0.0, max = 1.0, message = "must be between 0 and 1"))]
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
}

fn label_schema() -> Object {
    let description = "A label of the caller's choice. The rate limit counts calls by it, and a new conversation gets \
        it, so that `GET /conversations` can list it.";
    text_or_number_schema(description).max_length(Some(255)).build()
}

fn conversation_schema() -> Object {
    let description = "The conversation to continue, by any form of its id; its number may also be written as a JSON \
        number. Without it, a new conversation is created.";
    text_or_number_schema(description).build()
}

/// A message to send, the label by which the call is counted, and the form of the conversation's id in the response.
pub(crate) struct Chat {
    pub(crate) message: SendMessage,
    pub(crate) label: Option<Label>,
    pub(crate) form: IdForm,
}

impl ChatRequest {
    /// Whether to stream the reply; `false` by default.
    pub(crate) fn wants_stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// The message to send.
    pub(crate) fn into_command(self, settings: &HttpSettings) -> Result<Chat, ApiError> {
        let Self {
            input,
            user_id,
            conversation_id,
            model,
            instructions,
            stream: _,
            temperature,
            max_tokens,
            top_p,
        } = self;
        let question = ModelMessage::from_user(input.into_parts(settings)?);
        let label = user_id.map(|TextOrNumber(raw)| parsed("user_id", Label::parse(&raw))).transpose()?;
        let model = model.map(|raw| parsed("model", ModelName::parse(&raw))).transpose()?;
        let instructions =
            instructions.as_deref().map(|text| parse_instructions(text, settings)).transpose()?.flatten();
        let sampling = Sampling::new(temperature, top_p, max_tokens)
            .map_err(|error| FieldError::new(error.field(), error))?;
        let (target, form) = target(conversation_id, label.clone())?;
        let message = SendMessage {
            model,
            instructions,
            options: Arc::new(RequestOptions { sampling, default_temperature: None }),
            ..SendMessage::plain(
                target,
                Contract::LlmChat,
                settings.default_models.llm_chat.clone(),
                question,
            )
        };
        Ok(Chat { message, label, form })
    }
}

/// The named conversation, or a new one.
fn target(named: Option<TextOrNumber>, label: Option<Label>) -> Result<(SendTarget, IdForm), ApiError> {
    let Some(TextOrNumber(written)) = named else {
        let new = NewConversationRequest { label, ..NewConversationRequest::plain(Contract::LlmChat) };
        return Ok((SendTarget::New(Box::new(new)), IdForm::Prefixed));
    };
    let key = ConversationKey::parse(&written).ok_or_else(ApiError::no_conversation)?;
    Ok((SendTarget::Existing(key), IdForm::Written(written)))
}

/// The instructions; `None` if they are blank.
fn parse_instructions(raw: &str, settings: &HttpSettings) -> Result<Option<String>, FieldError> {
    let text = parsed("instructions", text::clean_optional(raw, settings.public.limits.max_input_length))?;
    Ok((!text.trim().is_empty()).then_some(text))
}
