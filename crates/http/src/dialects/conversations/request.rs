//! Requests of S0 and S2 for conversations.

use domain::{
    Contract, ConversationKey, ConversationPatch, Label, ModelMessage, Page, Part, ProjectId, SortOrder,
    Title,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use services::{ConversationFilter, Deletion, MessageQuery, NewConversationRequest, SendMessage, SendTarget};
use utoipa::openapi::Object;
use validator::Validate;

use crate::HttpSettings;
use crate::error::{ApiError, FieldError};
use crate::extract::{RawBody, TextOrNumber, flag, message_key, object, parsed, text, text_or_number_schema};
use crate::wire::IdForm;

/// The query of `POST /conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct CreateQuery {
    /// The project to which the conversation belongs. With it, a conversation of the Chat Service is created, and a body
    /// is ignored.
    #[param(min_length = 1, max_length = 255)]
    project_id: Option<String>,
}

/// A conversation of S0 to create.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewConversation, description = "A conversation to create. Every field is optional.")]
pub(crate) struct CreateRequest {
    #[schema(schema_with = label_schema, required = false)]
    user_id: Option<TextOrNumber>,
    /// The title. Without it, a title is made from the first exchange.
    #[schema(max_length = 500)]
    title: Option<String>,
    /// Any JSON object with at most 16 keys, 16 KiB and 32 levels.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

fn label_schema() -> Object {
    let description = "A label of the caller's choice; the caller's number by default. It gives no access: the \
        conversation belongs to the user of the token.";
    text_or_number_schema(description).max_length(Some(255)).build()
}

/// The conversation to create, and the form of its id in the response: one of S2 if the query names a project, even with
/// a body; else one of S0 (C-1).
pub(crate) fn new_conversation(
    query: CreateQuery,
    body: &RawBody,
) -> Result<(NewConversationRequest, IdForm), ApiError> {
    if let Some(project) = query.project_id {
        let project = parsed("project_id", ProjectId::parse(&project))?;
        let plain = NewConversationRequest::plain(Contract::ChatService);
        return Ok((NewConversationRequest { project: Some(project), ..plain }, IdForm::Uuid));
    }
    let request: Option<CreateRequest> = body.optional()?;
    let request =
        request.ok_or_else(|| FieldError::whole("project_id in the query or a JSON body is required"))?;
    Ok((request.try_into()?, IdForm::Prefixed))
}

impl TryFrom<CreateRequest> for NewConversationRequest {
    type Error = FieldError;

    fn try_from(request: CreateRequest) -> Result<Self, FieldError> {
        let CreateRequest { user_id, title, metadata } = request;
        Ok(Self {
            label: user_id.map(|TextOrNumber(raw)| parsed("user_id", Label::parse(&raw))).transpose()?,
            title: title.map(|raw| parsed("title", Title::parse(&raw))).transpose()?,
            metadata: metadata.map(|entries| object("metadata", entries)).transpose()?,
            ..Self::plain(Contract::LlmChat)
        })
    }
}

/// Changes of a conversation. At least one field is required.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = ConversationPatch)]
pub(crate) struct PatchRequest {
    /// The new title.
    #[schema(max_length = 500)]
    title: Option<String>,
    /// Keys to add or to replace in the metadata; other keys are kept.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl TryFrom<PatchRequest> for ConversationPatch {
    type Error = FieldError;

    fn try_from(request: PatchRequest) -> Result<Self, FieldError> {
        let PatchRequest { title, metadata } = request;
        if title.is_none() && metadata.is_none() {
            return Err(FieldError::whole("title or metadata is required"));
        }
        Ok(Self {
            title: title.map(|raw| parsed("title", Title::parse(&raw))).transpose()?,
            metadata: metadata.map(|entries| object("metadata", entries)).transpose()?,
            ..Self::default()
        })
    }
}

/// The default `limit` of the list of S0.
const DEFAULT_LIMIT: u32 = 50;

/// The query of `GET /conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct LabelQuery {
    /// The label with which the conversations were created.
    #[param(example = "user1")]
    user_id: String,
    /// The largest number of conversations in the response.
    #[validate(range(min = 1, max = 100, message = "must be between 1 and 100"))]
    #[param(minimum = 1, maximum = 100, default = 50, example = 20)]
    limit: Option<u32>,
    /// How many conversations to skip.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl LabelQuery {
    /// The filter by label, and the page. Only conversations of the caller are listed, whatever the label (C-6).
    pub(crate) fn filter(self) -> Result<(ConversationFilter, Page), FieldError> {
        let Self { user_id, limit, offset } = self;
        let label = Some(parsed("user_id", Label::parse(&user_id))?);
        let filter = ConversationFilter { label, ..ConversationFilter::default() };
        Ok((filter, Page { limit: limit.unwrap_or(DEFAULT_LIMIT), offset: offset.unwrap_or(0) }))
    }
}

/// The query of `GET /conversations/{id}/messages`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct MessagesQuery {
    /// The largest number of messages, from the start of the order; all messages by default.
    #[validate(range(min = 1, max = 1000, message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, example = 50)]
    limit: Option<u32>,
    /// Lists only messages that come after this one in the order: its id or its number. With a `limit`, the first ones
    /// after it.
    #[param(example = "msg_0190f3c2a1b47c5e8d9f0a1b2c3d4e5f")]
    after: Option<String>,
    /// Lists only messages that come before this one in the order: its id or its number. With a `limit` and without
    /// `after`, the last ones before it.
    before: Option<String>,
    /// `asc` lists the oldest message first, `desc` the newest.
    #[param(inline, default = "asc", example = "asc")]
    order: Option<OrderWord>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum OrderWord {
    Asc,
    Desc,
}

impl MessagesQuery {
    /// The requested messages. Without a limit they are all, as S2 requires.
    pub(crate) fn selection(&self) -> Result<MessageQuery, FieldError> {
        let Self { limit, after, before, order } = self;
        let after = message_key("after", after.as_deref())?;
        let before = message_key("before", before.as_deref())?;
        let order = match order {
            None | Some(OrderWord::Asc) => SortOrder::Ascending,
            Some(OrderWord::Desc) => SortOrder::Descending,
        };
        let from_end = after.is_none() && before.is_some();
        Ok(MessageQuery { order, limit: *limit, from_end, skip: 0, after, before })
    }
}

/// The query of `DELETE /conversations/{id}`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct DeleteQuery {
    /// `true` hides the conversation until it is restored; `false` deletes it for good.
    #[serde(default, deserialize_with = "flag")]
    #[param(default = true)]
    soft: Option<bool>,
}

impl DeleteQuery {
    /// The kind of deletion; soft by default.
    pub(crate) fn deletion(&self) -> Deletion {
        if self.soft.unwrap_or(true) { Deletion::Soft } else { Deletion::Purge }
    }
}

/// A message of S2 to send.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewMessage, description = "A message to send.")]
pub(crate) struct SendRequest {
    /// The user's message.
    content: String,
}

impl SendRequest {
    /// The message to send.
    pub(crate) fn into_command(
        self,
        key: ConversationKey,
        settings: &HttpSettings,
    ) -> Result<SendMessage, FieldError> {
        let content = text("content", &self.content, settings.public.limits.max_input_length)?;
        let question = ModelMessage::from_user(vec![Part::Text(content)]);
        let model = settings.default_models.chat_service.clone();
        Ok(SendMessage::plain(SendTarget::Existing(key), Contract::ChatService, model, question))
    }
}
