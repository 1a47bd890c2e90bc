//! Creates a conversation.

use std::sync::Arc;

use domain::{
    Caller, Contract, Conversation, ConversationId, HistoryLocation, JsonText, Label, ModelName,
    NewConversation, PersonaId, ProjectId, Timestamp, Title,
};

use super::{Conversations, ConversationsError};

/// The fields of a new conversation that a caller may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversationRequest {
    /// The contract that creates it.
    pub contract: Contract,
    /// The caller's own label; if `None`, the caller's number.
    pub label: Option<Label>,
    /// The project, if any.
    pub project: Option<ProjectId>,
    /// The persona, if any. It must belong to the caller.
    pub persona: Option<PersonaId>,
    /// The title, if any.
    pub title: Option<Title>,
    /// The conversation's own model, if any.
    pub model: Option<ModelName>,
    /// A JSON object, if any.
    pub metadata: Option<JsonText>,
}

impl NewConversationRequest {
    /// Makes a request that leaves all fields empty.
    #[must_use]
    pub fn plain(contract: Contract) -> Self {
        Self { contract, label: None, project: None, persona: None, title: None, model: None, metadata: None }
    }

    pub(crate) fn into_new(self, caller: &Caller, id: ConversationId, at: Timestamp) -> NewConversation {
        let Self { contract, label, project, persona, title, model, metadata } = self;
        NewConversation {
            id,
            owner: caller.user,
            label: label.unwrap_or_else(|| Label::of_owner(caller.user)),
            project,
            persona,
            begun_by: contract,
            home: HistoryLocation::Local,
            title,
            model,
            metadata: metadata.unwrap_or_else(JsonText::empty_object),
            application: caller.application,
            at,
        }
    }
}

impl Conversations {
    /// Creates a conversation without messages.
    pub async fn create(
        &self,
        caller: &Caller,
        request: NewConversationRequest,
    ) -> Result<Conversation, ConversationsError> {
        if request.model.as_ref().is_some_and(|model| !self.turns.offers(model)) {
            return Err(ConversationsError::ModelNotAllowed);
        }
        let new = request.into_new(caller, self.ids.conversation(), self.clock.now());
        let store = Arc::clone(&self.store);
        Ok(self.tasks.run(async move { store.create(new).await }).await?)
    }
}
