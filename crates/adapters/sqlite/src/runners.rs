//! The processes that run turns, by the database's clock.

use std::collections::HashMap;

use async_trait::async_trait;
use domain::{RunnerId, Timestamp, TurnId};
use ports::{RunnerStore, StoreError};
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::turns::interrupt::{TakeOver, interrupt_all};
use crate::values::json_of;
use crate::writer::Write;

/// A process that has not renewed its lease for so long is dead: 20 s in microseconds.
const LEASE: i64 = 20_000_000;
/// Turns that are ended in one write.
const REAPED_AT_ONCE: usize = 64;

#[async_trait]
impl RunnerStore for SqliteStore {
    async fn renew(&self, runner: RunnerId) -> Result<(), StoreError> {
        Ok(self.writer.write(Renew(runner)).await?)
    }

    async fn reap(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError> {
        // One process uses a database file, so every other one is dead.
        let orphans = sqlx::query_scalar!(
            r#"SELECT id AS "id: Uuid" FROM turns WHERE state = 'running' AND runner <> ?1"#,
            runner.0,
        )
        .fetch_all(&self.reads)
        .await
        .map_err(DbError::from)?;
        let mut ended = 0;
        for orphans in orphans.chunks(REAPED_AT_ONCE) {
            ended += self.reap_some(runner, orphans, at).await?;
        }
        self.writer.write(Forget { but: runner }).await?;
        Ok(ended)
    }

    async fn retire(&self, runner: RunnerId) -> Result<(), StoreError> {
        Ok(self.writer.write(Retire(runner)).await?)
    }
}

impl SqliteStore {
    /// Ends some turns together; where one of them is in the way, each by itself.
    async fn reap_some(&self, runner: RunnerId, orphans: &[Uuid], at: Timestamp) -> Result<u64, DbError> {
        let reap = |turns: &[Uuid]| Reap { runner, turns: turns.to_vec(), at };
        match self.writer.write(reap(orphans)).await {
            Err(fault) if fault.is_about_the_data() => {}
            outcome => return outcome,
        }
        let mut ended = 0;
        for turn in orphans {
            match self.writer.write(reap(std::slice::from_ref(turn))).await {
                Ok(count) => ended += count,
                Err(fault) if fault.is_about_the_data() => {
                    tracing::error!(turn.id = %turn, error = ?fault, "turn {turn} cannot be ended");
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(ended)
    }
}

/// Those of the turns whose process is dead, with that process.
pub(crate) async fn turns_of_the_dead(
    connection: &mut SqliteConnection,
    turns: &[TurnId],
) -> Result<HashMap<TurnId, RunnerId>, DbError> {
    if turns.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Simple> = turns.iter().map(|turn| turn.0.simple()).collect();
    let ids = json_of(&ids)?;
    let dead = sqlx::query!(
        r#"SELECT t.id AS "id: Uuid", t.runner AS "runner: Uuid" FROM turns t
           LEFT JOIN runners r ON r.id = t.runner
           WHERE t.id IN (SELECT unhex(value) FROM json_each(?1)) AND t.state = 'running'
             AND (r.id IS NULL OR r.renewed_at < CAST(unixepoch('subsec') * 1000000 AS INTEGER) - ?2)"#,
        ids,
        LEASE,
    )
    .fetch_all(connection)
    .await?;
    Ok(dead.into_iter().map(|turn| (TurnId(turn.id), RunnerId(turn.runner))).collect())
}

struct Renew(RunnerId);

#[async_trait]
impl Write for Renew {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        sqlx::query!(
            "INSERT INTO runners (id, renewed_at) VALUES (?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
             ON CONFLICT (id) DO UPDATE SET renewed_at = excluded.renewed_at",
            self.0.0,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Retire(RunnerId);

#[async_trait]
impl Write for Retire {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        sqlx::query!("DELETE FROM runners WHERE id = ?1", self.0.0).execute(connection).await?;
        Ok(())
    }
}

struct Reap {
    runner: RunnerId,
    turns: Vec<Uuid>,
    at: Timestamp,
}

#[async_trait]
impl Write for Reap {
    type Answer = u64;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<u64, DbError> {
        let take_over = |turn: &Uuid| TakeOver { turn: TurnId(*turn), runner: self.runner, at: self.at };
        let take_overs: Vec<TakeOver> = self.turns.iter().map(take_over).collect();
        interrupt_all(connection, &take_overs).await
    }
}

/// Drops leases that ran out, so that they do not pile up with each start.
struct Forget {
    but: RunnerId,
}

#[async_trait]
impl Write for Forget {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<(), DbError> {
        sqlx::query!(
            "DELETE FROM runners
             WHERE id <> ?1 AND renewed_at < CAST(unixepoch('subsec') * 1000000 AS INTEGER) - ?2",
            self.but.0,
            LEASE,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
