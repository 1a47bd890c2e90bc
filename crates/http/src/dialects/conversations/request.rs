//! What S0 and S2 clients send, as commands.

use domain::{
    Contract, ConversationKey, ConversationPatch, Label, MessagePage, ModelMessage, Page, Part, ProjectId,
    SortOrder, Title,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use services::{ConversationFilter, Deletion, NewConversationRequest, SendMessage, SendTarget};
use validator::Validate;

use crate::HttpSettings;
use crate::error::{ApiError, FieldError};
use crate::extract::{RawBody, flag, object, text};

/// The query of `POST /conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct CreateQuery {
    /// The project, which makes it a conversation of the Chat Service: a body is then ignored.
    #[param(min_length = 1, max_length = 255)]
    project_id: Option<String>,
}

/// The body of `POST /conversations` in S0.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewConversation, description = "A conversation to begin; every field is optional.")]
pub(crate) struct CreateRequest {
    /// A label of the caller's choice; without it, the caller's own number. Whose the conversation is, the token says.
    #[schema(max_length = 255)]
    user_id: Option<String>,
    /// Without it, a title is made of the first exchange.
    #[schema(max_length = 500)]
    title: Option<String>,
    /// Anything; at most 16 keys and 16 kB.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// Which of the two kinds is asked for: a project in the query makes it S2's, whatever the body (C-1).
pub(crate) fn new_conversation(
    query: CreateQuery,
    body: &RawBody,
) -> Result<NewConversationRequest, ApiError> {
    if let Some(project) = query.project_id {
        let project = ProjectId::parse(&project).map_err(|error| FieldError::new("project_id", error))?;
        let plain = NewConversationRequest::plain(Contract::ChatService);
        return Ok(NewConversationRequest { project: Some(project), ..plain });
    }
    let request: Option<CreateRequest> = body.optional()?;
    let request =
        request.ok_or_else(|| FieldError::whole("project_id in the query or a JSON body is required"))?;
    Ok(request.try_into()?)
}

impl TryFrom<CreateRequest> for NewConversationRequest {
    type Error = FieldError;

    fn try_from(request: CreateRequest) -> Result<Self, FieldError> {
        let CreateRequest { user_id, title, metadata } = request;
        Ok(Self {
            label: user_id.as_deref().map(label).transpose()?,
            title: title.as_deref().map(title_of).transpose()?,
            metadata: metadata.map(|entries| object("metadata", entries)).transpose()?,
            ..Self::plain(Contract::LlmChat)
        })
    }
}

fn label(raw: &str) -> Result<Label, FieldError> {
    Label::parse(raw).map_err(|error| FieldError::new("user_id", error))
}

fn title_of(raw: &str) -> Result<Title, FieldError> {
    Title::parse(raw).map_err(|error| FieldError::new("title", error))
}

/// The body of `PATCH /conversations/{id}`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = ConversationPatch)]
pub(crate) struct PatchRequest {
    #[schema(max_length = 500)]
    title: Option<String>,
    /// Merged into what there is, key by key.
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
            title: title.as_deref().map(title_of).transpose()?,
            metadata: metadata.map(|entries| object("metadata", entries)).transpose()?,
            ..Self::default()
        })
    }
}

/// Conversations that S0 shows at once, where the request does not say.
const SHOWN_AT_ONCE: u32 = 50;

/// The query of `GET /conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct LabelQuery {
    /// The label that the conversations were begun with.
    #[param(example = "user1")]
    user_id: String,
    /// At most so many.
    #[validate(range(min = 1, max = 100, message = "must be between 1 and 100"))]
    #[param(minimum = 1, maximum = 100, default = 50, example = 20)]
    limit: Option<u32>,
    /// How many are passed over.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl LabelQuery {
    /// The caller's conversations with this label. The label is no identity: whose they are, the token says (C-6).
    pub(crate) fn filter(self) -> Result<(ConversationFilter, Page), FieldError> {
        let Self { user_id, limit, offset } = self;
        let filter = ConversationFilter { label: Some(label(&user_id)?), ..ConversationFilter::default() };
        Ok((filter, Page { limit: limit.unwrap_or(SHOWN_AT_ONCE), offset: offset.unwrap_or(0) }))
    }
}

/// The query of `GET /conversations/{id}/messages`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct MessagesQuery {
    /// At most so many, counted from the start of the order; without it, all.
    #[validate(range(min = 1, max = 1000, message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, example = 50)]
    limit: Option<u32>,
    /// Oldest first or newest first.
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
    /// All messages where there is no limit: S2's history is whole.
    pub(crate) fn page(&self) -> MessagePage {
        let order = match self.order {
            None | Some(OrderWord::Asc) => SortOrder::Ascending,
            Some(OrderWord::Desc) => SortOrder::Descending,
        };
        MessagePage { order, limit: self.limit, offset: 0 }
    }
}

/// The query of `DELETE /conversations/{id}`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct DeleteQuery {
    /// Soft keeps the conversation, hidden, until it is restored; `false` deletes it for good.
    #[serde(default, deserialize_with = "flag")]
    #[param(default = true)]
    soft: Option<bool>,
}

impl DeleteQuery {
    /// Soft where the request does not say.
    pub(crate) fn deletion(&self) -> Deletion {
        if self.soft.unwrap_or(true) { Deletion::Soft } else { Deletion::Hard }
    }
}

/// The body of `POST /conversations/{id}/messages` in S2.
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
        let content = text("content", &self.content, settings.max_input_length)?;
        let question = ModelMessage::from_user(vec![Part::Text(content)]);
        let model = settings.default_models.chat_service.clone();
        Ok(SendMessage::plain(SendTarget::Existing(key), Contract::ChatService, model, question))
    }
}
