//! Requests of S4.

use domain::limits::{LIST_ROWS, PERSONA_TITLE_CHARS};
use domain::{Page, PersonaId, SortOrder, Title};
use serde::Deserialize;
use services::MessageQuery;
use validator::Validate;

use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::{integer, message_key, parsed, some_integer, text};

/// A conversation with a persona to create.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersonaConversation)]
pub(crate) struct CreateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: String,
    /// The persona.
    #[serde(deserialize_with = "integer")]
    persona_id: i64,
}

impl CreateRequest {
    /// The persona and the title.
    pub(crate) fn into_command(self) -> Result<(PersonaId, Title), FieldError> {
        let Self { title, persona_id } = self;
        Ok((PersonaId(persona_id), parse_title(&title)?))
    }
}

/// Changes of a conversation with a persona. At least one field is required.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = PersonaConversationPatch)]
pub(crate) struct UpdateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    #[serde(default, deserialize_with = "some_integer")]
    persona_id: Option<i64>,
}

impl UpdateRequest {
    /// The new title, the new persona, or both.
    pub(crate) fn into_command(self) -> Result<(Option<Title>, Option<PersonaId>), FieldError> {
        let Self { title, persona_id } = self;
        if title.is_none() && persona_id.is_none() {
            return Err(FieldError::whole("title or persona_id is required"));
        }
        Ok((title.as_deref().map(parse_title).transpose()?, persona_id.map(PersonaId)))
    }
}

fn parse_title(raw: &str) -> Result<Title, FieldError> {
    parsed("title", Title::parse_within(raw, PERSONA_TITLE_CHARS))
}

/// The query of `GET /chat/conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct ConversationsQuery {
    /// Lists only conversations with this persona.
    #[param(example = 1)]
    persona_id: Option<i64>,
    /// The largest number of conversations in the response.
    #[validate(range(min = 1, max = "domain::limits::LIST_ROWS", message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, default = 1000, example = 50)]
    limit: Option<u32>,
    /// How many conversations to skip.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl ConversationsQuery {
    /// The persona, if one is named, and the page.
    pub(crate) fn filter(&self) -> (Option<PersonaId>, Page) {
        let page = Page { limit: self.limit.unwrap_or(LIST_ROWS), offset: self.offset.unwrap_or(0) };
        (self.persona_id.map(PersonaId), page)
    }
}

/// The query of `GET /chat/conversations/{id}/messages`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct MessagesQuery {
    /// Lists only so many of the newest messages, or of those nearest to `after` or `before`; all messages by default.
    #[validate(range(min = 1, max = "domain::limits::LIST_ROWS", message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, example = 50)]
    limit: Option<u32>,
    /// How many of the newest messages to skip. It cannot be used together with `after` or `before`.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
    /// Lists only messages that are newer than this one, by its id. With a `limit`, the oldest of these.
    after: Option<String>,
    /// Lists only messages that are older than this one, by its id. With a `limit`, the newest of these.
    #[param(example = "51")]
    before: Option<String>,
}

impl MessagesQuery {
    /// The requested messages.
    pub(crate) fn selection(&self) -> Result<MessageQuery, FieldError> {
        let Self { limit, offset, after, before } = self;
        let after = message_key("after", after.as_deref())?;
        let before = message_key("before", before.as_deref())?;
        if offset.is_some() && (after.is_some() || before.is_some()) {
            return Err(FieldError::new("offset", "cannot be used together with after or before"));
        }
        let (order, skip) = (SortOrder::Ascending, offset.unwrap_or(0));
        Ok(MessageQuery { order, limit: *limit, from_end: after.is_none(), skip, after, before })
    }
}

/// A message to send to a persona.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersonaMessage)]
pub(crate) struct SendRequest {
    /// The user's message.
    content: String,
}

impl SendRequest {
    /// The text to send.
    pub(crate) fn content(self, settings: &HttpSettings) -> Result<String, FieldError> {
        text("content", &self.content, settings.public.limits.max_input_length)
    }
}
