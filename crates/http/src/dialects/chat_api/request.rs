//! What S1 clients send.

use domain::{Contract, ModelName, Title};
use serde::Deserialize;
use services::NewConversationRequest;
use validator::Validate;

use crate::error::FieldError;

/// The body of `POST /v1/chat/sessions`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewSession)]
pub(crate) struct CreateRequest {
    /// The session's own model: every message in it is answered by this one, until it is switched.
    #[schema(min_length = 1, max_length = 128)]
    model: String,
    /// Without it, the first words of the first message are the title.
    #[schema(min_length = 1, max_length = 500)]
    title: Option<String>,
}

impl CreateRequest {
    /// The session to begin, and its model.
    pub(crate) fn into_command(self) -> Result<(NewConversationRequest, ModelName), FieldError> {
        let Self { model, title } = self;
        let model = ModelName::parse(&model).map_err(|error| FieldError::new("model", error))?;
        let title = title.map(|title| Title::parse(&title)).transpose();
        let title = title.map_err(|error| FieldError::new("title", error))?;
        let plain = NewConversationRequest::plain(Contract::ChatApi);
        Ok((NewConversationRequest { model: Some(model.clone()), title, ..plain }, model))
    }
}
