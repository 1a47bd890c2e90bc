//! Conversations with personas. A conversation without a persona counts as absent here.

use std::sync::Arc;

use domain::{
    Caller, Contract, Conversation, ConversationKey, ConversationNumber, ConversationPatch, MessageNumber,
    ModelMessage, Page, Part, PersonaId, Title,
};
use ports::{ConversationFilter, MessageDeletion, PersonaChatTotals};

use super::{Personas, PersonasError};
use crate::{
    ConversationsError, Deletion, MessageQuery, MessageReader, NewConversationRequest, RunningTurn,
    SendMessage, SendTarget,
};

impl Personas {
    /// Creates a conversation with a persona of the caller.
    pub async fn create_conversation(
        &self,
        caller: &Caller,
        persona: PersonaId,
        title: Title,
    ) -> Result<Conversation, PersonasError> {
        self.find(caller, persona).await?;
        let request = NewConversationRequest {
            persona: Some(persona),
            title: Some(title),
            ..NewConversationRequest::plain(Contract::PersonaChat)
        };
        Ok(self.setup.conversations.create(caller, request).await?)
    }

    /// Lists the caller's conversations with personas, or with this one, the last updated first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn conversations(
        &self,
        caller: &Caller,
        persona: Option<PersonaId>,
        page: Page,
    ) -> Result<Vec<Conversation>, PersonasError> {
        let filter = ConversationFilter { persona, any_persona: true, ..ConversationFilter::default() };
        Ok(self.setup.conversations.list(caller, filter, page).await?)
    }

    /// Finds a conversation with a persona.
    pub async fn conversation(
        &self,
        caller: &Caller,
        number: ConversationNumber,
    ) -> Result<Conversation, PersonasError> {
        match self.setup.conversations.find(caller, number.into()).await {
            Ok(conversation) if conversation.persona.is_some() => Ok(conversation),
            Ok(_) => Err(PersonasError::NoConversation),
            Err(ConversationsError::Foreign) => Err(self.foreign_error(number).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes the title of a conversation, or its persona to another one of the caller.
    pub async fn edit_conversation(
        &self,
        caller: &Caller,
        number: ConversationNumber,
        title: Option<Title>,
        persona: Option<PersonaId>,
    ) -> Result<Conversation, PersonasError> {
        let key = self.key(caller, number).await?;
        if let Some(persona) = persona {
            self.find(caller, persona).await?;
        }
        let patch = ConversationPatch { title, persona, ..ConversationPatch::default() };
        Ok(self.setup.conversations.patch(caller, key, patch).await?)
    }

    /// Deletes a conversation for good.
    pub async fn delete_conversation(
        &self,
        caller: &Caller,
        number: ConversationNumber,
    ) -> Result<(), PersonasError> {
        let key = self.key(caller, number).await?;
        self.setup.conversations.delete(caller, key, Deletion::Purge).await?;
        Ok(())
    }

    /// Sends a message to the persona.
    ///
    /// # Errors
    /// As for a message in [`Turns::send`](crate::Turns::send).
    pub async fn send(
        &self,
        caller: &Caller,
        number: ConversationNumber,
        content: String,
    ) -> Result<RunningTurn, PersonasError> {
        let question = ModelMessage::from_user(vec![Part::Text(content)]);
        let target = SendTarget::WithPersona(number.into());
        let model = self.setup.settings.default_model.clone();
        let message = SendMessage {
            options: Arc::clone(&self.setup.settings.options),
            history_limit: Some(self.setup.settings.history_limit),
            ..SendMessage::plain(target, Contract::PersonaChat, model, question)
        };
        Ok(self.setup.turns.send(caller, message).await?)
    }

    /// Selects messages of a conversation, and reads the first batch of them.
    ///
    /// # Errors
    /// As [`Conversations::messages`](crate::Conversations::messages).
    pub async fn messages(
        &self,
        caller: &Caller,
        number: ConversationNumber,
        query: MessageQuery,
    ) -> Result<MessageReader, PersonasError> {
        let key = self.key(caller, number).await?;
        Ok(self.setup.conversations.messages(caller, key, query).await?)
    }

    /// Removes a message from lists and from requests to the model.
    pub async fn delete_message(&self, caller: &Caller, message: MessageNumber) -> Result<(), PersonasError> {
        let (store, user, at) = (Arc::clone(&self.setup.messages), caller.user, self.setup.clock.now());
        match self.setup.tasks.run(async move { store.delete(user, message, at).await }).await? {
            MessageDeletion::Deleted => Ok(()),
            MessageDeletion::Running => Err(PersonasError::MessageInUse),
            MessageDeletion::Foreign => Err(PersonasError::ForeignMessage),
            MessageDeletion::Absent => Err(PersonasError::NoMessage),
        }
    }

    /// Returns the totals of the caller's conversations with personas.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn totals(&self, caller: &Caller) -> Result<PersonaChatTotals, PersonasError> {
        Ok(self.setup.store.totals(caller.user).await?)
    }

    async fn key(
        &self,
        caller: &Caller,
        number: ConversationNumber,
    ) -> Result<ConversationKey, PersonasError> {
        Ok(self.conversation(caller, number).await?.id.into())
    }

    /// Returns the error for a conversation of another user: forbidden if it has a persona, otherwise absent (C-7).
    async fn foreign_error(&self, number: ConversationNumber) -> Result<PersonasError, PersonasError> {
        let has_persona = self.setup.store.has_persona(number.into()).await?;
        Ok(if has_persona { PersonasError::ForeignConversation } else { PersonasError::NoConversation })
    }
}
