//! Makes a conversation.

use std::sync::Arc;

use domain::{
    Caller, Contract, Conversation, ConversationId, HistoryLocation, JsonText, Label, ModelName,
    NewConversation, PersonaId, ProjectId, Timestamp, Title,
};

use super::{Conversations, ConversationsError};

/// What a caller may say of a new conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConversationRequest {
    /// The contract that begins it.
    pub contract: Contract,
    /// The caller's label for it; the caller's number where absent.
    pub label: Option<Label>,
    /// Its project.
    pub project: Option<ProjectId>,
    /// Its persona, which is the caller's.
    pub persona: Option<PersonaId>,
    /// Its title.
    pub title: Option<Title>,
    /// Its own model.
    pub model: Option<ModelName>,
    /// A JSON object of the caller's.
    pub metadata: Option<JsonText>,
}

impl NewConversationRequest {
    /// A conversation without anything.
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
    /// Makes a conversation without messages.
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
