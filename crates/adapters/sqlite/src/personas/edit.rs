//! Makes, changes and deletes personas. There is one writer, so each change reads, decides and writes.

use domain::{Persona, PersonaId, Timestamp, TurnId, UserId};
use ports::{Access, NewPersona, PersonaPatch, PersonaRecord};
use sqlx::SqliteConnection;
use stored::PersonaColumns;
use uuid::Uuid;

use super::record_of;
use crate::error::DbError;
use crate::rows::granted;
use crate::values::micros;

pub(super) async fn create(
    connection: &mut SqliteConnection,
    new: NewPersona,
) -> Result<PersonaRecord, DbError> {
    let NewPersona { owner, name, description, relation, at } = new;
    let (relation_type, created_at) = (relation.as_str(), micros(at));
    let id = sqlx::query_scalar!(
        r#"INSERT INTO personas (user_id, name, description, relation_type, created_at, updated_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?5) RETURNING id AS "id!: i64""#,
        owner.0,
        name,
        description,
        relation_type,
        created_at,
    )
    .fetch_one(connection)
    .await?;
    let persona = Persona { id: PersonaId(id), name, description, relation };
    Ok(PersonaRecord { persona, owner, created_at: at, updated_at: at })
}

/// Changes what a caller may change.
pub(super) async fn update(
    connection: &mut SqliteConnection,
    caller: UserId,
    id: PersonaId,
    patch: PersonaPatch,
    at: Timestamp,
) -> Result<Access<PersonaRecord>, DbError> {
    let found = PersonaColumns::access(record_of(&mut *connection, id).await?, caller)?;
    let Access::Granted(before) = found else { return Ok(found) };
    let after = patched(before, patch, at);
    let persona = &after.persona;
    let (relation_type, updated_at) = (persona.relation.as_str(), micros(after.updated_at));
    sqlx::query!(
        "UPDATE personas SET name = ?2, description = ?3, relation_type = ?4, updated_at = ?5 WHERE id = ?1",
        persona.id.0,
        persona.name,
        persona.description,
        relation_type,
        updated_at,
    )
    .execute(connection)
    .await?;
    Ok(Access::Granted(after))
}

fn patched(record: PersonaRecord, patch: PersonaPatch, at: Timestamp) -> PersonaRecord {
    let PersonaPatch { name, description, relation } = patch;
    let persona = record.persona;
    let persona = Persona {
        id: persona.id,
        name: name.unwrap_or(persona.name),
        description: description.or(persona.description),
        relation: relation.unwrap_or(persona.relation),
    };
    PersonaRecord { persona, updated_at: at, ..record }
}

/// Deletes a persona with its conversations, also hidden ones, and all that belongs to them. Returns the turns that
/// were running in these.
pub(super) async fn delete(
    connection: &mut SqliteConnection,
    caller: UserId,
    id: PersonaId,
) -> Result<Access<Vec<TurnId>>, DbError> {
    let owner = sqlx::query_scalar!("SELECT user_id FROM personas WHERE id = ?1", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    granted!(Access::of(caller, owner.map(|owner| (UserId(owner), ()))));
    let running = sqlx::query_scalar!(
        r#"SELECT running_turn AS "turn!: Uuid" FROM conversations
           WHERE persona_id = ?1 AND running_turn IS NOT NULL"#,
        id.0,
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM personas WHERE id = ?1", id.0).execute(connection).await?;
    Ok(Access::Granted(running.into_iter().map(TurnId).collect()))
}
