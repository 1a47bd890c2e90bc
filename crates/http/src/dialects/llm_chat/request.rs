//! What S0 clients send to `/chat`.

mod input;

use std::sync::Arc;

use domain::{Contract, ConversationKey, Label, ModelMessage, ModelName, RequestOptions, Sampling, text};
use serde::Deserialize;
use services::{NewConversationRequest, SendMessage, SendTarget, TitlePolicy};
use validator::Validate;

use crate::HttpSettings;
use crate::error::{ApiError, FieldError};
use crate::extract::{flag, flag_schema};
use crate::wire::IdForm;
use input::Input;

/// The body of `POST /chat`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
pub(crate) struct ChatRequest {
    input: Input,
    /// A label of the caller's choice: it counts calls, and `GET /conversations` lists by it.
    #[schema(max_length = 255)]
    user_id: Option<String>,
    /// The conversation to go on with; without it, one is begun.
    conversation_id: Option<String>,
    /// The model of this turn.
    #[schema(max_length = 128)]
    model: Option<String>,
    /// System instructions of this turn.
    instructions: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    #[schema(schema_with = flag_schema, required = false)]
    stream: Option<bool>,
    #[validate(range(min = 0.0, max = 2.0, message = "must be between 0 and 2"))]
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f64>,
    #[validate(range(min = 1, message = "must be at least 1"))]
    #[schema(minimum = 1)]
    max_tokens: Option<u32>,
    #[validate(range(min = 0.0, max = 1.0, message = "must be between 0 and 1"))]
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f64>,
}

/// A message to send, whose calls are counted together with it, and how the answer names its conversation.
pub(crate) struct Chat {
    pub(crate) message: SendMessage,
    pub(crate) label: Option<Label>,
    pub(crate) form: IdForm,
}

impl ChatRequest {
    /// Whether the answer is to be streamed; not where the request does not say.
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
        let label = user_id.as_deref().map(label).transpose()?;
        let model = model.as_deref().map(model_name).transpose()?;
        let instructions = instructions.as_deref().map(|text| told(text, settings)).transpose()?.flatten();
        let sampling = Sampling::new(temperature, top_p, max_tokens)
            .map_err(|error| FieldError::new(error.field(), error))?;
        let (target, form) = target(conversation_id, label.clone())?;
        let message = SendMessage {
            model,
            instructions,
            options: Arc::new(RequestOptions { sampling }),
            title: TitlePolicy::Model,
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

/// The conversation that is named, or a new one.
fn target(named: Option<String>, label: Option<Label>) -> Result<(SendTarget, IdForm), ApiError> {
    let Some(written) = named else {
        let new = NewConversationRequest { label, ..NewConversationRequest::plain(Contract::LlmChat) };
        return Ok((SendTarget::New(Box::new(new)), IdForm::Prefixed));
    };
    let key = ConversationKey::parse(&written).ok_or_else(ApiError::no_conversation)?;
    Ok((SendTarget::Existing(key), IdForm::Written(written)))
}

fn label(raw: &str) -> Result<Label, FieldError> {
    Label::parse(raw).map_err(|error| FieldError::new("user_id", error))
}

fn model_name(raw: &str) -> Result<ModelName, FieldError> {
    ModelName::parse(raw).map_err(|error| FieldError::new("model", error))
}

/// Instructions; blank ones are none.
fn told(raw: &str, settings: &HttpSettings) -> Result<Option<String>, FieldError> {
    let text = text::clean_optional(raw, settings.max_input_length)
        .map_err(|error| FieldError::new("instructions", error))?;
    Ok((!text.trim().is_empty()).then_some(text))
}
