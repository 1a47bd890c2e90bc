//! Keeps new deltas of running turns, and tells their process what others did to the turns.

use std::sync::Arc;

use domain::{RunnerId, TurnId};
use ports::{Chunk, Signals};
use serde::Serialize;
use sqlx::{SqliteConnection, SqliteExecutor};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::{hex, json_of};

/// A row to insert into `turn_chunks`.
#[derive(Serialize)]
struct ChunkToKeep {
    turn: Simple,
    first: u32,
    lengths: String,
    parts: String,
}

/// Chunks as the JSON that [`keep`] takes.
pub(super) fn rows_of(chunks: &[Chunk]) -> Result<String, DbError> {
    let row = |chunk: &Chunk| ChunkToKeep {
        turn: chunk.turn.0.simple(),
        first: chunk.first,
        lengths: hex(&stored::lengths_to_bytes(chunk.deltas.lengths())),
        parts: stored::parts_to_json(chunk.deltas.parts()),
    };
    json_of(&chunks.iter().map(row).collect::<Vec<_>>())
}

/// Keeps chunks of turns that this process runs.
pub(super) async fn keep(
    connection: &mut SqliteConnection,
    runner: RunnerId,
    running: Vec<TurnId>,
    chunks: Arc<str>,
) -> Result<Signals, DbError> {
    let chunks = chunks.as_ref();
    sqlx::query!(
        "INSERT INTO turn_chunks (turn_id, first, lengths, parts)
         SELECT t.id, j.value->>'first', unhex(j.value->>'lengths'), j.value->>'parts'
         FROM json_each(?1) AS j CROSS JOIN turns t ON t.id = unhex(j.value->>'turn')
         WHERE t.runner = ?2 AND t.state = 'running'
         ON CONFLICT DO NOTHING",
        chunks,
        runner.0,
    )
    .execute(&mut *connection)
    .await?;
    signals(connection, runner, running).await
}

/// What others did to the turns of a process.
pub(super) async fn signals(
    executor: impl SqliteExecutor<'_>,
    runner: RunnerId,
    running: Vec<TurnId>,
) -> Result<Signals, DbError> {
    if running.is_empty() {
        return Ok(Signals::default());
    }
    let ids: Vec<Simple> = running.iter().map(|turn| turn.0.simple()).collect();
    let ids = json_of(&ids)?;
    let ours = sqlx::query!(
        r#"SELECT id AS "id: Uuid", stop_requested AS "stop_requested: bool" FROM turns
           WHERE id IN (SELECT unhex(value) FROM json_each(?1)) AND runner = ?2 AND state = 'running'"#,
        ids,
        runner.0,
    )
    .fetch_all(executor)
    .await?;
    Ok(stored::signals(running, ours.into_iter().map(|turn| (turn.id, turn.stop_requested))))
}
