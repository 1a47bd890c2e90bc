//! Messages on their way into the table.

use std::collections::HashMap;

use domain::{MessageId, MessageNumber};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::json_of;

/// A message to be appended.
#[derive(Debug, Serialize)]
pub(super) struct MessageToAppend {
    pub(super) id: Simple,
    pub(super) conversation: Simple,
    pub(super) seq: i64,
    pub(super) parent: Option<i64>,
    pub(super) turn: Simple,
    pub(super) role: &'static str,
    pub(super) state: &'static str,
    pub(super) token_count: u32,
    pub(super) at: i64,
    /// In hexadecimal; of replies.
    pub(super) lengths: Option<String>,
    pub(super) parts: String,
}

/// Appends messages and answers their numbers, which rise in the order given.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    messages: &[MessageToAppend],
) -> Result<HashMap<MessageId, MessageNumber>, DbError> {
    if messages.is_empty() {
        return Ok(HashMap::new());
    }
    let messages = json_of(messages)?;
    let numbered = sqlx::query!(
        r#"INSERT INTO messages
             (id, conversation_id, seq, parent, turn_id, role, state, token_count, created_at, lengths, parts)
           SELECT unhex(j.value->>'id'), unhex(j.value->>'conversation'), j.value->>'seq', j.value->>'parent',
             unhex(j.value->>'turn'), j.value->>'role', j.value->>'state', j.value->>'token_count',
             j.value->>'at', unhex(j.value->>'lengths'), j.value->>'parts'
           FROM json_each(?1) AS j ORDER BY j.key
           RETURNING id AS "id: Uuid", number AS "number!: i64""#,
        messages,
    )
    .fetch_all(connection)
    .await?;
    Ok(numbered.into_iter().map(|row| (MessageId(row.id), MessageNumber(row.number))).collect())
}
