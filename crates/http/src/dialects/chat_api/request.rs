//! Requests of S1.

mod stream;

use domain::{Contract, ConversationNumber, DefaultModels, ModelName, Title};
use serde::Deserialize;
use services::{ConversationFilter, NewConversationRequest};
use validator::Validate;

use crate::error::FieldError;
use crate::extract::{NumberedPage, instant, integer, parsed};
pub(crate) use stream::StreamRequest;

/// A session to create.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewSession)]
pub(crate) struct CreateRequest {
    /// The model that answers the messages in the session.
    #[schema(min_length = 1, max_length = 128)]
    model: String,
    /// The title. Without it, the first words of the first message become the title.
    #[schema(min_length = 1, max_length = 500)]
    title: Option<String>,
}

impl CreateRequest {
    /// The session to create.
    pub(crate) fn into_command(self) -> Result<NewConversationRequest, FieldError> {
        let Self { model, title } = self;
        let model = parsed("model", ModelName::parse(&model))?;
        let title = title.map(|raw| parsed("title", Title::parse(&raw))).transpose()?;
        let plain = NewConversationRequest::plain(Contract::ChatApi);
        Ok(NewConversationRequest { model: Some(model), title, ..plain })
    }
}

/// A session, and the model that it shall have from now on.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = SwitchModel)]
pub(crate) struct SwitchRequest {
    /// The session.
    #[serde(deserialize_with = "integer")]
    session_id: i64,
    /// The model that answers all later messages in the session.
    #[schema(min_length = 1, max_length = 128)]
    model: String,
}

impl SwitchRequest {
    /// The session, and its new model.
    pub(crate) fn into_command(self) -> Result<(ConversationNumber, ModelName), FieldError> {
        let Self { session_id, model } = self;
        Ok((ConversationNumber(session_id), parsed("model", ModelName::parse(&model))?))
    }
}

/// The default `page_size`.
const PAGE_SIZE: u32 = 10;

/// The query of `GET /v1/chat/history`. Of `start_date`, `end_date` and `model`, an empty one is no condition.
#[derive(Debug, Deserialize, Validate, utoipa::IntoParams)]
pub(crate) struct HistoryQuery {
    /// The page, from 1. A page beyond the last one has no sessions.
    #[validate(range(min = 1, message = "must be at least 1"))]
    #[param(minimum = 1, default = 1, example = 1)]
    page: Option<u32>,
    /// The number of sessions on a page.
    #[validate(range(min = 1, max = 100, message = "must be between 1 and 100"))]
    #[param(minimum = 1, maximum = 100, default = 10, example = 10)]
    page_size: Option<u32>,
    /// Lists only sessions that were created at this time or later. A time without an offset is in UTC; a date alone is
    /// its first instant.
    #[param(example = "2024-01-01T00:00:00Z")]
    start_date: Option<String>,
    /// Lists only sessions that were created before this time, in the same form.
    #[param(example = "2034-01-01")]
    end_date: Option<String>,
    /// Lists only sessions that show this model.
    #[param(example = "gpt-4")]
    model: Option<String>,
}

impl HistoryQuery {
    /// The requested page.
    pub(crate) fn page(&self) -> NumberedPage {
        NumberedPage { number: self.page.unwrap_or(1), size: self.page_size.unwrap_or(PAGE_SIZE) }
    }

    /// The conditions.
    pub(crate) fn filter(&self, defaults: &DefaultModels) -> Result<ConversationFilter, FieldError> {
        let given = |raw: &Option<String>| raw.clone().filter(|raw| !raw.is_empty());
        let model = given(&self.model).map(|raw| parsed("model", ModelName::parse(&raw))).transpose()?;
        let created_from = given(&self.start_date).map(|raw| instant("start_date", &raw)).transpose()?;
        let created_before = given(&self.end_date).map(|raw| instant("end_date", &raw)).transpose()?;
        Ok(ConversationFilter {
            model: model.map(|model| defaults.showing(model)),
            created_from,
            created_before,
            ..ConversationFilter::default()
        })
    }
}
