//! Creates, reads, changes and deletes personas.

use std::sync::Arc;

use domain::{Caller, Page, PersonaId, Relation};
use ports::{Access, NewPersona, PersonaPatch, PersonaRecord, StoreError};

use super::{Personas, PersonasError};

/// The fields of a new persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonaRequest {
    /// The name.
    pub name: String,
    /// A description of its character, if any.
    pub description: Option<String>,
    /// Its relation to the user.
    pub relation: Relation,
}

impl Personas {
    /// Creates a persona.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn create(
        &self,
        caller: &Caller,
        request: PersonaRequest,
    ) -> Result<PersonaRecord, PersonasError> {
        let PersonaRequest { name, description, relation } = request;
        let new = NewPersona { owner: caller.user, name, description, relation, at: self.setup.clock.now() };
        let store = Arc::clone(&self.setup.store);
        Ok(self.setup.tasks.run(async move { store.create(new).await }).await?)
    }

    /// Finds a persona of the caller. A persona of another user counts as absent (C-7).
    pub async fn find(&self, caller: &Caller, id: PersonaId) -> Result<PersonaRecord, PersonasError> {
        unless_granted(id, self.setup.store.find(caller.user, id).await?)
    }

    /// Lists the caller's personas, the last updated first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, caller: &Caller, page: Page) -> Result<Vec<PersonaRecord>, PersonasError> {
        Ok(self.setup.store.list(caller.user, page).await?)
    }

    /// Changes a persona.
    pub async fn update(
        &self,
        caller: &Caller,
        id: PersonaId,
        patch: PersonaPatch,
    ) -> Result<PersonaRecord, PersonasError> {
        let (store, user, at) = (Arc::clone(&self.setup.store), caller.user, self.setup.clock.now());
        let updated = self.setup.tasks.run(async move { store.update(user, id, patch, at).await }).await?;
        unless_granted(id, updated)
    }

    /// Deletes a persona with all its conversations, and stops their turns.
    pub async fn delete(&self, caller: &Caller, id: PersonaId) -> Result<(), PersonasError> {
        let (store, turns, user) = (Arc::clone(&self.setup.store), self.setup.turns.clone(), caller.user);
        let deleted = self.setup.tasks.run(async move {
            let deleted = store.delete(user, id).await?;
            if let Access::Granted(running) = &deleted {
                for turn in running {
                    turns.stop_here(*turn).await;
                }
            }
            Ok::<_, StoreError>(deleted)
        });
        unless_granted(id, deleted.await?).map(|_| ())
    }
}

fn unless_granted<T>(id: PersonaId, access: Access<T>) -> Result<T, PersonasError> {
    access.granted().ok_or(PersonasError::NoPersona(id))
}
