//! Personas. The document of S4 names them without describing their routes: the examples are those of its stories.

use actix_web::http::Method;
use domain::PersonaId;
use serde_json::{Value, json};
use services::PersonasError;
use utoipa::openapi::path::Parameter;

use super::operation::Described;
use super::{PERSONA_CHAT, parameters};
use crate::dialects::personas::request::{CreateRequest, UpdateRequest};
use crate::dialects::personas::response::PersonaBody;
use crate::error::ApiError;
use crate::extract::{FieldError, ListQuery};
use crate::wire::DoneMessage;

pub(super) fn operations() -> Vec<Described> {
    const PATH: &str = "/personas/{id}";
    vec![
        Described::new(Method::POST, "/personas", "createPersona", "Describe a persona")
            .of([PERSONA_CHAT])
            .tells("How it speaks follows from its relation to the user.")
            .takes::<CreateRequest>([("a friend", new_persona())])
            .answers::<PersonaBody>("The persona", [("persona", persona())])
            .refuses([FieldError::new("name", "must not be empty").into()]),
        Described::new(Method::GET, "/personas", "listPersonas", "The caller's personas")
            .of([PERSONA_CHAT])
            .tells("Newest update first.")
            .asks::<ListQuery>()
            .answers_list::<PersonaBody>("The personas", [("one", json!([persona()]))])
            .refuses([FieldError::new("limit", "must be between 1 and 1000").into()]),
        Described::new(Method::GET, PATH, "getPersona", "One persona")
            .of([PERSONA_CHAT])
            .at(id())
            .answers::<PersonaBody>("The persona", [("persona", persona())])
            .refuses([no_persona(), no_number()]),
        Described::new(Method::PUT, PATH, "updatePersona", "Change a persona")
            .of([PERSONA_CHAT])
            .tells("What is not named stays.")
            .at(id())
            .takes::<UpdateRequest>([(
                "a description",
                json!({"description": "A good friend who likes hiking"}),
            )])
            .answers::<PersonaBody>("The persona as it is now", [("persona", persona())])
            .refuses([
                no_persona(),
                FieldError::whole("name, description or relation_type is required").into(),
            ]),
        Described::new(Method::DELETE, PATH, "deletePersona", "Delete a persona")
            .of([PERSONA_CHAT])
            .tells("For good, with all its conversations.")
            .at(id())
            .answers::<DoneMessage>(
                "It is deleted",
                [("deleted", json!({"message": "Persona 1 deleted successfully"}))],
            )
            .refuses([no_persona(), no_number()]),
    ]
}

/// There is no such persona.
pub(super) fn no_persona() -> ApiError {
    PersonasError::NoPersona(PersonaId(1)).into()
}

/// The path has no number.
pub(super) fn no_number() -> ApiError {
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
