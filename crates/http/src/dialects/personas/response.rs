//! Responses with personas.

use domain::Persona;
use serde::Serialize;
use services::PersonaRecord;

use crate::wire;

/// A persona.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Persona)]
pub(crate) struct PersonaBody {
    id: i64,
    name: String,
    description: Option<String>,
    /// The relation to the user.
    relation_type: &'static str,
    /// Always `active`.
    status: &'static str,
    /// The owner.
    user_id: i64,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<PersonaRecord> for PersonaBody {
    fn from(record: PersonaRecord) -> Self {
        let PersonaRecord { persona, owner, created_at, updated_at } = record;
        let Persona { id, name, description, relation } = persona;
        Self {
            id: id.0,
            name,
            description,
            relation_type: relation.as_str(),
            status: "active",
            user_id: owner.0,
            created_at: wire::time(created_at),
            updated_at: wire::time(updated_at),
        }
    }
}
