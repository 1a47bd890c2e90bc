//! Inserts messages.

use std::collections::HashMap;

use domain::{MessageId, MessageNumber};
use serde::{Serialize, Serializer};
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::{hex, json_of};

/// Parts of more bytes than this are bound by themselves: a large image is not copied again into the JSON of a group.
const LARGE: usize = 64 * 1024;

/// A row to insert into `messages`.
#[derive(Debug, Serialize)]
pub(super) struct MessageRow<'a> {
    pub(super) id: Simple,
    pub(super) conversation: Simple,
    pub(super) seq: i64,
    pub(super) parent: Option<i64>,
    pub(super) turn: Simple,
    pub(super) role: &'static str,
    pub(super) state: &'static str,
    pub(super) token_count: i32,
    pub(super) at: i64,
    /// Only replies have them.
    pub(super) lengths: Option<Hex<'a>>,
    pub(super) parts: &'a str,
}

/// Bytes that are in hexadecimal in JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl Serialize for Hex<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(self.0))
    }
}

impl MessageRow<'_> {
    fn is_large(&self) -> bool {
        self.parts.len() > LARGE
    }
}

/// Appends messages and returns their numbers, which rise in the order given.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    messages: &[MessageRow<'_>],
) -> Result<HashMap<MessageId, MessageNumber>, DbError> {
    let mut numbers = HashMap::with_capacity(messages.len());
    for group in messages.chunk_by(|one, next| !one.is_large() && !next.is_large()) {
        match group {
            [message] if message.is_large() => {
                numbers.insert(MessageId(message.id.into_uuid()), append_one(connection, message).await?);
            }
            group => numbers.extend(append_group(connection, group).await?),
        }
    }
    Ok(numbers)
}

async fn append_one(
    connection: &mut SqliteConnection,
    message: &MessageRow<'_>,
) -> Result<MessageNumber, DbError> {
    let [id, conversation, turn] = [message.id, message.conversation, message.turn].map(Simple::into_uuid);
    let lengths = message.lengths.map(|Hex(bytes)| bytes);
    let number = sqlx::query_scalar!(
        r#"INSERT INTO messages
             (id, conversation_id, seq, parent, turn_id, role, state, token_count, created_at, lengths, parts)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
           RETURNING number AS "number!: i64""#,
        id,
        conversation,
        message.seq,
        message.parent,
        turn,
        message.role,
        message.state,
        message.token_count,
        message.at,
        lengths,
        message.parts,
    )
    .fetch_one(connection)
    .await?;
    Ok(MessageNumber(number))
}

async fn append_group(
    connection: &mut SqliteConnection,
    messages: &[MessageRow<'_>],
) -> Result<impl Iterator<Item = (MessageId, MessageNumber)> + use<>, DbError> {
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
    Ok(numbered.into_iter().map(|row| (MessageId(row.id), MessageNumber(row.number))))
}
