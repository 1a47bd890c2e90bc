//! Requests of S1.

use domain::{Contract, ModelName, Title};
use serde::Deserialize;
use services::NewConversationRequest;
use validator::Validate;

use crate::error::FieldError;
use crate::extract::parsed;

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
        let model = parsed("model", ModelName::parse(&model))?;
        let title = title.map(|raw| parsed("title", Title::parse(&raw))).transpose()?;
        let plain = NewConversationRequest::plain(Contract::ChatApi);
        Ok((NewConversationRequest { model: Some(model.clone()), title, ..plain }, model))
    }
}
