//! Personas are made, changed and taken away. The writer is alone, so each change reads, decides and writes.

use async_trait::async_trait;
use domain::{Persona, PersonaId, Timestamp, TurnId, UserId};
use ports::{Access, NewPersona, PersonaPatch, PersonaRecord};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{access, record_of};
use crate::error::DbError;
use crate::values::micros;
use crate::writer::Write;

/// Makes one.
pub(super) struct Create(pub(super) NewPersona);

#[async_trait]
impl Write for Create {
    type Answer = PersonaRecord;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<PersonaRecord, DbError> {
        let NewPersona { owner, name, description, relation, at } = self.0.clone();
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
}

/// Changes what a caller may change.
pub(super) struct Update {
    pub(super) caller: UserId,
    pub(super) id: PersonaId,
    pub(super) changes: PersonaPatch,
    pub(super) at: Timestamp,
}

#[async_trait]
impl Write for Update {
    type Answer = Access<PersonaRecord>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<PersonaRecord>, DbError> {
        let found = access(record_of(&mut *connection, self.id).await?, self.caller)?;
        let Access::Granted(before) = found else { return Ok(found) };
        let after = self.applied_to(before);
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
}

impl Update {
    fn applied_to(&self, record: PersonaRecord) -> PersonaRecord {
        let PersonaPatch { name, description, relation } = self.changes.clone();
        let persona = record.persona;
        let persona = Persona {
            id: persona.id,
            name: name.unwrap_or(persona.name),
            description: description.or(persona.description),
            relation: relation.unwrap_or(persona.relation),
        };
        PersonaRecord { persona, updated_at: self.at, ..record }
    }
}

/// Takes one away; its conversations, hidden ones too, and what belongs to them go with it.
pub(super) struct Delete {
    pub(super) caller: UserId,
    pub(super) id: PersonaId,
}

#[async_trait]
impl Write for Delete {
    type Answer = Access<Vec<TurnId>>;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Access<Vec<TurnId>>, DbError> {
        let owner = sqlx::query_scalar!("SELECT user_id FROM personas WHERE id = ?1", self.id.0)
            .fetch_optional(&mut *connection)
            .await?;
        match owner {
            Some(owner) if owner == self.caller.0 => {}
            Some(_) => return Ok(Access::Foreign),
            None => return Ok(Access::Absent),
        }
        let running = sqlx::query_scalar!(
            r#"SELECT running_turn AS "turn!: Uuid" FROM conversations
               WHERE persona_id = ?1 AND running_turn IS NOT NULL"#,
            self.id.0,
        )
        .fetch_all(&mut *connection)
        .await?;
        sqlx::query!("DELETE FROM personas WHERE id = ?1", self.id.0).execute(connection).await?;
        Ok(Access::Granted(running.into_iter().map(TurnId).collect()))
    }
}
