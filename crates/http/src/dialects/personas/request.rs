//! Personas, as clients describe them.

use domain::Relation;
use domain::limits::PERSONA_NAME_CHARS;
use domain::text::clean_optional;
use serde::Deserialize;
use services::{PersonaPatch, PersonaRequest};
use validator::Validate;

use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::text;

/// The body of `POST /personas`. Clients of the contract know the relation by three names.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersona)]
pub(crate) struct CreateRequest {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// Whom the model is to be.
    description: Option<String>,
    /// `parent`, `spouse`, `child`, `sibling`, `friend`, `colleague` or `other`; also called `relationship_type` and
    /// `relationship`.
    #[serde(alias = "relationship_type", alias = "relationship")]
    relation_type: String,
}

/// The body of `PUT /personas/{id}`.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = PersonaPatch)]
pub(crate) struct UpdateRequest {
    #[schema(min_length = 1, max_length = 128)]
    name: Option<String>,
    description: Option<String>,
    #[serde(alias = "relationship_type", alias = "relationship")]
    relation_type: Option<String>,
}

impl CreateRequest {
    /// The persona to make.
    pub(crate) fn into_command(self, settings: &HttpSettings) -> Result<PersonaRequest, FieldError> {
        let Self { name, description, relation_type } = self;
        Ok(PersonaRequest {
            name: name_of(&name)?,
            description: description.map(|raw| description_of(&raw, settings)).transpose()?,
            relation: relation_of(&relation_type)?,
        })
    }
}

impl UpdateRequest {
    /// What to change.
    pub(crate) fn into_command(self, settings: &HttpSettings) -> Result<PersonaPatch, FieldError> {
        let Self { name, description, relation_type } = self;
        if name.is_none() && description.is_none() && relation_type.is_none() {
            return Err(FieldError::whole("name, description or relation_type is required"));
        }
        Ok(PersonaPatch {
            name: name.map(|raw| name_of(&raw)).transpose()?,
            description: description.map(|raw| description_of(&raw, settings)).transpose()?,
            relation: relation_type.map(|raw| relation_of(&raw)).transpose()?,
        })
    }
}

fn name_of(raw: &str) -> Result<String, FieldError> {
    text("name", raw.trim(), PERSONA_NAME_CHARS)
}

fn description_of(raw: &str, settings: &HttpSettings) -> Result<String, FieldError> {
    clean_optional(raw, settings.max_input_length).map_err(|error| FieldError::new("description", error))
}

fn relation_of(raw: &str) -> Result<Relation, FieldError> {
    Relation::parse(raw.trim()).ok_or_else(|| {
        let known: Vec<&str> = Relation::ALL.iter().map(|(_, name)| *name).collect();
        FieldError::new("relation_type", format_args!("must be one of {}", known.join(", ")))
    })
}
