//! Descriptions of `/personas*`. The document of S4 does not describe these routes; the examples are our own.

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
    OperationDoc::new("createPersona", "Create a persona")
        .tags([tags::PERSONA_CHAT])
        .description(
            "A persona is a character that the model plays. Its relation to the user decides how it speaks.",
        )
        .body::<CreateRequest>([("a friend", new_persona())])
        .response::<PersonaBody>("The new persona", [("persona", persona())])
        .invalid("name", "must not be empty")
}

pub(super) fn list() -> OperationDoc {
    OperationDoc::new("listPersonas", "List personas")
        .tags([tags::PERSONA_CHAT])
        .description("Lists the personas of the caller, the last updated first.")
        .query::<ListQuery>()
        .list_response::<PersonaBody>("The personas", [("one", json!([persona()]))])
        .invalid("limit", "must be between 1 and 1000")
}

pub(super) fn find() -> OperationDoc {
    OperationDoc::new("getPersona", "Get a persona")
        .tags([tags::PERSONA_CHAT])
        .path_param(id())
        .response::<PersonaBody>("The persona", [("persona", persona())])
        .errors([no_persona(), not_a_number()])
}

pub(super) fn update() -> OperationDoc {
    OperationDoc::new("updatePersona", "Change a persona")
        .tags([tags::PERSONA_CHAT])
        .description("Fields that are absent are not changed.")
        .path_param(id())
        .body::<UpdateRequest>([("a description", json!({"description": "A good friend who likes hiking"}))])
        .response::<PersonaBody>("The changed persona", [("persona", persona())])
        .errors([no_persona(), FieldError::whole("name, description or relation_type is required").into()])
}

pub(super) fn delete() -> OperationDoc {
    OperationDoc::new("deletePersona", "Delete a persona")
        .tags([tags::PERSONA_CHAT])
        .description("Deletes the persona for good, with all conversations with it.")
        .path_param(id())
        .response::<DoneMessage>(
            "The persona is deleted",
            [("deleted", json!({"message": "Persona 1 deleted successfully"}))],
        )
        .errors([no_persona(), not_a_number()])
}

/// The persona does not exist.
pub(crate) fn no_persona() -> ApiError {
    PersonasError::NoPersona(PersonaId(1)).into()
}

/// The id in the path is not a number.
pub(crate) fn not_a_number() -> ApiError {
    FieldError::new("id", "must be an integer").into()
}

fn id() -> Parameter {
    parameters::number("id", "The id of the persona", 1)
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
