//! What S4 clients send.

use domain::limits::{LIST_ROWS, PERSONA_TITLE_CHARS};
use domain::{MessagePage, Page, PersonaId, SortOrder, Title};
use serde::Deserialize;
use validator::Validate;

use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::text;

/// The body of `POST /chat/conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersonaConversation)]
pub(crate) struct CreateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: String,
    /// Whom the conversation is held with.
    persona_id: i64,
}

impl CreateRequest {
    /// Whom the conversation is held with, and its title.
    pub(crate) fn into_command(self) -> Result<(PersonaId, Title), FieldError> {
        let Self { title, persona_id } = self;
        Ok((PersonaId(persona_id), title_of(&title)?))
    }
}

/// The body of `PUT /chat/conversations/{id}`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = PersonaConversationPatch)]
pub(crate) struct UpdateRequest {
    #[schema(min_length = 1, max_length = 255)]
    title: Option<String>,
    persona_id: Option<i64>,
}

impl UpdateRequest {
    /// A new title, another persona, or both.
    pub(crate) fn into_command(self) -> Result<(Option<Title>, Option<PersonaId>), FieldError> {
        let Self { title, persona_id } = self;
        if title.is_none() && persona_id.is_none() {
            return Err(FieldError::whole("title or persona_id is required"));
        }
        Ok((title.as_deref().map(title_of).transpose()?, persona_id.map(PersonaId)))
    }
}

fn title_of(raw: &str) -> Result<Title, FieldError> {
    Title::parse_within(raw, PERSONA_TITLE_CHARS).map_err(|error| FieldError::new("title", error))
}

/// The query of `GET /chat/conversations`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct ConversationsQuery {
    /// Those with this persona alone.
    #[param(example = 1)]
    persona_id: Option<i64>,
    /// At most so many.
    #[validate(range(min = 1, max = "domain::limits::LIST_ROWS", message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, default = 1000, example = 50)]
    limit: Option<u32>,
    /// How many are passed over.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl ConversationsQuery {
    /// Those with this persona, or with any.
    pub(crate) fn filter(&self) -> (Option<PersonaId>, Page) {
        let page = Page { limit: self.limit.unwrap_or(LIST_ROWS), offset: self.offset.unwrap_or(0) };
        (self.persona_id.map(PersonaId), page)
    }
}

/// The query of `GET /chat/conversations/{id}/messages`.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct MessagesQuery {
    /// The newest, at most so many; without it, all.
    #[validate(range(min = 1, max = "domain::limits::LIST_ROWS", message = "must be between 1 and 1000"))]
    #[param(minimum = 1, maximum = 1000, example = 50)]
    limit: Option<u32>,
    /// How many of the newest are passed over.
    #[validate(range(max = "domain::limits::OFFSET_MAX", message = "must be at most 1000000"))]
    #[param(maximum = 1_000_000, default = 0)]
    offset: Option<u32>,
}

impl MessagesQuery {
    /// The newest messages, newest first; all of them where there is no limit.
    pub(crate) fn page(&self) -> MessagePage {
        let Self { limit, offset } = self;
        MessagePage { order: SortOrder::Descending, limit: *limit, offset: offset.unwrap_or(0) }
    }
}

/// The body of `POST /chat/conversations/{id}/send`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersonaMessage)]
pub(crate) struct SendRequest {
    /// The user's message.
    content: String,
}

impl SendRequest {
    /// The message to send.
    pub(crate) fn content(self, settings: &HttpSettings) -> Result<String, FieldError> {
        text("content", &self.content, settings.max_input_length)
    }
}
