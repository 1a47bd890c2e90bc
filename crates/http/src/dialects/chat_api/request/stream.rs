//! The request of `POST /v1/chat/stream`.

use std::sync::Arc;

use domain::limits::{POSTED_CHARS, POSTED_MESSAGES};
use domain::{
    Contract, ConversationNumber, ModelMessage, ModelName, Part, RequestOptions, Role, Sampling, Temperature,
};
use serde::Deserialize;
use services::{NewConversationRequest, SendMessage, SendTarget};
use validator::Validate;

use crate::error::FieldError;
use crate::extract::{flag, parsed, set_flag_schema, some_integer, text, word};

/// The temperature of a request that names none (S1-5).
const DEFAULT_TEMPERATURE: f64 = 0.7;

/// Messages to answer.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = SessionStreamRequest)]
pub(crate) struct StreamRequest {
    /// The model. A session has its own model, which is the one that its first request names; then this one is not used.
    #[schema(min_length = 1, max_length = 128)]
    model: String,
    /// The new message alone, or the whole conversation with the new message at its end. What is stored already is not
    /// stored again.
    #[schema(min_items = 1, max_items = 2000)]
    messages: Vec<PostedMessage>,
    /// The sampling temperature; 0.7 without it.
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
    #[serde(default, deserialize_with = "flag")]
    #[schema(schema_with = set_flag_schema, required = false)]
    stream: Option<bool>,
    /// The session to continue. Without it, a new session is created.
    #[serde(default, deserialize_with = "some_integer")]
    session_id: Option<i64>,
}

/// A message of the conversation.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = PostedMessage)]
struct PostedMessage {
    #[serde(deserialize_with = "word")]
    #[schema(inline)]
    role: PostedRole,
    /// The text, which must not be blank. It has at most 100,000 characters, unless it is a reply.
    #[schema(min_length = 1)]
    content: String,
}

/// The author. All messages of `system` are instructions for this turn, and are not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum PostedRole {
    System,
    User,
    Assistant,
}

impl StreamRequest {
    /// Whether to stream the reply; `true` by default.
    pub(crate) fn wants_stream(&self) -> bool {
        self.stream.unwrap_or(true)
    }

    /// The messages to send.
    pub(crate) fn into_command(self) -> Result<SendMessage, FieldError> {
        let Self { model, messages, temperature, max_tokens, stream: _, session_id } = self;
        let model = parsed("model", ModelName::parse(&model))?;
        let sampling = Sampling::new(temperature, None, max_tokens)
            .map_err(|error| FieldError::new(error.field(), error))?;
        let default_temperature = parsed("temperature", Temperature::new(DEFAULT_TEMPERATURE))?;
        let options = RequestOptions { sampling, default_temperature: Some(default_temperature) };
        let (instructions, mut messages) = separate(messages)?;
        let question = messages.pop().filter(|last| last.role == Role::User);
        let question =
            question.ok_or_else(|| FieldError::new("messages", "must end with a message of the user"))?;
        let target = match session_id {
            Some(number) => SendTarget::Existing(ConversationNumber(number).into()),
            None => SendTarget::New(Box::new(NewConversationRequest::plain(Contract::ChatApi))),
        };
        Ok(SendMessage {
            earlier: messages,
            may_repeat: true,
            own_model: Some(model.clone()),
            instructions,
            options: Arc::new(options),
            ..SendMessage::plain(target, Contract::ChatApi, model, question)
        })
    }
}

/// The texts of the system messages, joined, and the other messages.
fn separate(posted: Vec<PostedMessage>) -> Result<(Option<String>, Vec<ModelMessage>), FieldError> {
    if posted.is_empty() {
        return Err(FieldError::new("messages", "must not be empty"));
    }
    if posted.len() > POSTED_MESSAGES {
        let rule = format_args!("must have at most {POSTED_MESSAGES} messages");
        return Err(FieldError::new("messages", rule));
    }
    let (mut instructions, mut messages) = (Vec::new(), Vec::with_capacity(posted.len()));
    for (index, PostedMessage { role, content }) in posted.into_iter().enumerate() {
        let max_chars = if role == PostedRole::Assistant { usize::MAX } else { POSTED_CHARS };
        let content = text(&format!("messages[{index}].content"), &content, max_chars)?;
        let role = match role {
            PostedRole::System => {
                instructions.push(content);
                continue;
            }
            PostedRole::User => Role::User,
            PostedRole::Assistant => Role::Assistant,
        };
        messages.push(ModelMessage { role, parts: [Part::Text(content)].into() });
    }
    Ok(((!instructions.is_empty()).then(|| instructions.join("\n\n")), messages))
}
