//! Personas. The document of S4 names them without describing their routes: the examples are those of its stories.

use domain::PersonaId;
use serde_json::{Value, json};
use services::PersonasError;
use utoipa::openapi::path::Parameter;

use super::request::{CreateRequest, UpdateRequest};
use super::response::PersonaBody;
use crate::error::{ApiError, FieldError};
use crate::extract::ListQuery;
use crate::openapi::{OperationDoc, parameters, tags};
use crate::wire::DoneMessage;

pub(super) fn create() -> OperationDoc {
    OperationDoc::new("createPersona", "Describe a persona")
        .tags([tags::PERSONA_CHAT])
        .description("How it speaks follows from its relation to the user.")
        .body::<CreateRequest>([("a friend", new_persona())])
        .response::<PersonaBody>("The persona", [("persona", persona())])
        .errors([FieldError::new("name", "must not be empty").into()])
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listPersonas", "The caller's personas")
        .tags([tags::PERSONA_CHAT])
        .description("Newest update first.")
        .query::<ListQuery>()
        .list_response::<PersonaBody>("The personas", [("one", json!([persona()]))])
        .errors([FieldError::new("limit", "must be between 1 and 1000").into()])
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getPersona", "One persona")
        .tags([tags::PERSONA_CHAT])
        .path_param(id())
        .response::<PersonaBody>("The persona", [("persona", persona())])
        .errors([no_persona(), no_number()])
}

pub(super) fn update() -> OperationDoc {
    OperationDoc::new("updatePersona", "Change a persona")
        .tags([tags::PERSONA_CHAT])
        .description("What is not named stays.")
        .path_param(id())
        .body::<UpdateRequest>([("a description", json!({"description": "A good friend who likes hiking"}))])
        .response::<PersonaBody>("The persona as it is now", [("persona", persona())])
        .errors([no_persona(), FieldError::whole("name, description or relation_type is required").into()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deletePersona", "Delete a persona")
        .tags([tags::PERSONA_CHAT])
        .description("For good, with all its conversations.")
        .path_param(id())
        .response::<DoneMessage>(
            "It is deleted",
            [("deleted", json!({"message": "Persona 1 deleted successfully"}))],
        )
        .errors([no_persona(), no_number()])
}

/// There is no such persona.
pub(crate) fn no_persona() -> ApiError {
    PersonasError::NoPersona(PersonaId(1)).into()
}

/// The path has no number.
pub(crate) fn no_number() -> ApiError {
    FieldError::new("id", "must be an integer").into()
}

fn id() -> Parameter {
    parameters::number("The persona", 1)
}

fn new_persona() -> Value {
    json!({"name": "Alex", "description": "A good friend", "relation_type": "friend"})
}

fn persona() -> Value {
    json!({
        "id": 1,
        "name": "Alex",
        "description": "A good friend",
        "relation_type": "friend",
        "status": "active",
        "user_id": 1,
        "created_at": "2024-01-01T12:00:00.000000Z",
        "updated_at": "2024-01-01T12:00:00.000000Z"
    })
}
