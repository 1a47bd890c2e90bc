//! Keeps deltas of running turns, and tells their process what others did to them.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{RunnerId, TurnId};
use ports::{Chunk, Signals};
use serde::Serialize;
use sqlx::{SqliteConnection, SqliteExecutor};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::values::{hex, json_of};
use crate::writer::Write;

/// New deltas of all turns of a process.
pub(super) struct Checkpoint {
    pub(super) runner: RunnerId,
    pub(super) running: Vec<TurnId>,
    pub(super) chunks: Vec<Chunk>,
}

#[derive(Serialize)]
struct ChunkToKeep {
    turn: Simple,
    first: u32,
    lengths: String,
    parts: String,
}

#[async_trait]
impl Write for Checkpoint {
    type Answer = Signals;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Signals, DbError> {
        let chunks: Vec<ChunkToKeep> = self
            .chunks
            .iter()
            .map(|chunk| ChunkToKeep {
                turn: chunk.turn.0.simple(),
                first: chunk.first,
                lengths: hex(&stored::lengths_to_bytes(chunk.deltas.lengths())),
                parts: stored::parts_to_json(chunk.deltas.parts()),
            })
            .collect();
        let chunks = json_of(&chunks)?;
        sqlx::query!(
            "INSERT INTO turn_chunks (turn_id, first, lengths, parts)
             SELECT t.id, j.value->>'first', unhex(j.value->>'lengths'), j.value->>'parts'
             FROM json_each(?1) AS j CROSS JOIN turns t ON t.id = unhex(j.value->>'turn')
             WHERE t.runner = ?2 AND t.state = 'running'
             ON CONFLICT DO NOTHING",
            chunks,
            self.runner.0,
        )
        .execute(&mut *connection)
        .await?;
        self.signals(connection).await
    }
}

impl Checkpoint {
    /// What others did to the turns.
    pub(super) async fn signals(&self, executor: impl SqliteExecutor<'_>) -> Result<Signals, DbError> {
        if self.running.is_empty() {
            return Ok(Signals::default());
        }
        let ids: Vec<Simple> = self.running.iter().map(|turn| turn.0.simple()).collect();
        let ids = json_of(&ids)?;
        let ours = sqlx::query!(
            r#"SELECT id AS "id: Uuid", stop_requested AS "stop_requested: bool" FROM turns
               WHERE id IN (SELECT unhex(value) FROM json_each(?1)) AND runner = ?2 AND state = 'running'"#,
            ids,
            self.runner.0,
        )
        .fetch_all(executor)
        .await?;
        let ours: HashMap<TurnId, bool> =
            ours.into_iter().map(|turn| (TurnId(turn.id), turn.stop_requested)).collect();
        let mut signals = Signals::default();
        for turn in &self.running {
            match ours.get(turn) {
                Some(true) => signals.stop.push(*turn),
                Some(false) => {}
                None => signals.lost.push(*turn),
            }
        }
        Ok(signals)
    }
}
