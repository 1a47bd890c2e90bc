//! Requests for personas.

use domain::Relation;
use domain::limits::PERSONA_NAME_CHARS;
use domain::text::clean_optional;
use serde::Deserialize;
use services::{PersonaPatch, PersonaRequest};
use validator::Validate;

use crate::HttpSettings;
use crate::error::FieldError;
use crate::extract::{parsed, text};

/// A persona to create.
#[derive(Debug, Deserialize, Validate, utoipa::ToSchema)]
#[schema(as = NewPersona)]
pub(crate) struct CreateRequest {
    #[schema(min_length = 1, max_length = 128)]
    name: String,
    /// What the model is told about the persona.
    description: Option<String>,
    /// The relation to the user: `parent`, `spouse`, `child`, `sibling`, `friend`, `colleague` or `other`. The field may
    /// also be called `relationship_type` or `relationship`.
    #[serde(alias = "relationship_type", alias = "relationship")]
    relation_type: String,
}

/// Changes of a persona. At least one field is required.
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
    /// The persona to create.
    pub(crate) fn into_command(self, settings: &HttpSettings) -> Result<PersonaRequest, FieldError> {
        let Self { name, description, relation_type } = self;
        Ok(PersonaRequest {
            name: parse_name(&name)?,
            description: description.map(|raw| parse_description(&raw, settings)).transpose()?,
            relation: parse_relation(&relation_type)?,
        })
    }
}

impl UpdateRequest {
    /// The fields to change.
    pub(crate) fn into_command(self, settings: &HttpSettings) -> Result<PersonaPatch, FieldError> {
        let Self { name, description, relation_type } = self;
        if name.is_none() && description.is_none() && relation_type.is_none() {
            return Err(FieldError::whole("name, description or relation_type is required"));
        }
        Ok(PersonaPatch {
            name: name.map(|raw| parse_name(&raw)).transpose()?,
            description: description.map(|raw| parse_description(&raw, settings)).transpose()?,
            relation: relation_type.map(|raw| parse_relation(&raw)).transpose()?,
        })
    }
}

fn parse_name(raw: &str) -> Result<String, FieldError> {
    text("name", raw.trim(), PERSONA_NAME_CHARS)
}

fn parse_description(raw: &str, settings: &HttpSettings) -> Result<String, FieldError> {
    parsed("description", clean_optional(raw, settings.public.limits.max_input_length))
}

fn parse_relation(raw: &str) -> Result<Relation, FieldError> {
    Relation::parse(raw.trim()).ok_or_else(|| {
        let known = Relation::ALL.map(Relation::as_str).join(", ");
        FieldError::new("relation_type", format_args!("must be one of {known}"))
    })
}
