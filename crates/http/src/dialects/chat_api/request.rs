//! Requests of S1.

use domain::{Contract, ModelName, Title};
use serde::Deserialize;
use services::NewConversationRequest;
use validator::Validate;

use crate::error::FieldError;

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
    /// The session to create, and its model.
    pub(crate) fn into_command(self) -> Result<(NewConversationRequest, ModelName), FieldError> {
        let Self { model, title } = self;
        let model = ModelName::parse(&model).map_err(|error| FieldError::new("model", error))?;
        let title = title.map(|title| Title::parse(&title)).transpose();
        let title = title.map_err(|error| FieldError::new("title", error))?;
        let plain = NewConversationRequest::plain(Contract::ChatApi);
        Ok((NewConversationRequest { model: Some(model.clone()), title, ..plain }, model))
    }
}
