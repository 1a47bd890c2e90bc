//! Creates, reads, changes and deletes prompts.

use std::sync::Arc;

use domain::{Caller, Page, Prompt, PromptFields, PromptId, PromptVersion};
use ports::{NewPrompt, PromptChange, PromptFilter, PromptPage, PromptPatch};

use super::{Prompts, PromptsError};

impl Prompts {
    /// Creates a prompt.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create(&self, caller: &Caller, fields: PromptFields) -> Result<Prompt, PromptsError> {
        let new = NewPrompt { owner: caller.user, fields, at: self.setup.clock.now() };
        let store = Arc::clone(&self.setup.store);
        Ok(self.setup.tasks.run(async move { store.create(new).await }).await?)
    }

    /// Finds a prompt of the caller or a system template. A prompt of another user counts as absent (C-7).
    pub async fn find(&self, caller: &Caller, id: PromptId) -> Result<Prompt, PromptsError> {
        self.setup.store.find(caller.user, id).await?.ok_or(PromptsError::NotFound(id))
    }

    /// Lists the caller's prompts, with system templates if the filter includes them, the newest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: PromptFilter,
        page: Page,
    ) -> Result<PromptPage, PromptsError> {
        Ok(self.setup.store.list(caller.user, filter, page).await?)
    }

    /// Lists the versions of a prompt, the newest and current one first.
    pub async fn versions(
        &self,
        caller: &Caller,
        id: PromptId,
        page: Page,
    ) -> Result<Vec<PromptVersion>, PromptsError> {
        self.find(caller, id).await?;
        Ok(self.setup.store.versions(caller.user, id, page).await?)
    }

    /// Changes a prompt of the caller. The version before it is kept.
    pub async fn update(
        &self,
        caller: &Caller,
        id: PromptId,
        patch: PromptPatch,
    ) -> Result<Prompt, PromptsError> {
        let (store, user, at) = (Arc::clone(&self.setup.store), caller.user, self.setup.clock.now());
        done(id, self.setup.tasks.run(async move { store.update(user, id, patch, at).await }).await?)
    }

    /// Deletes a prompt of the caller with its versions.
    pub async fn delete(&self, caller: &Caller, id: PromptId) -> Result<(), PromptsError> {
        let (store, user) = (Arc::clone(&self.setup.store), caller.user);
        done(id, self.setup.tasks.run(async move { store.delete(user, id).await }).await?)
    }
}

fn done<T>(id: PromptId, change: PromptChange<T>) -> Result<T, PromptsError> {
    match change {
        PromptChange::Done(thing) => Ok(thing),
        PromptChange::Template => Err(PromptsError::Template(id)),
        PromptChange::Absent => Err(PromptsError::NotFound(id)),
    }
}
