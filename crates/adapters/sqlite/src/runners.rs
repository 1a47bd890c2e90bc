//! The processes that run turns. Leases go by the database's clock.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{RunnerId, Timestamp, TurnId};
use ports::{RunnerStore, StoreError};
use sqlx::SqliteConnection;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::turns::interrupt::{OrphanedTurn, interrupt_all};
use crate::values::json_of;

/// A process that has not renewed its lease for so long is dead: 20 s in microseconds.
const LEASE: i64 = 20_000_000;
/// The most turns that are ended in one write.
const REAPED_AT_ONCE: usize = 64;

#[async_trait]
impl RunnerStore for SqliteStore {
    async fn renew(&self, runner: RunnerId) -> Result<(), StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(renew(connection, runner))).await?)
    }

    /// No other process could ask for it.
    async fn hold_lock(&self, _: RunnerId) {}

    async fn reap(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError> {
        // Only one process uses a database file, so every other one is dead.
        let orphans = sqlx::query_scalar!(
            r#"SELECT id AS "id: Uuid" FROM turns WHERE state = 'running' AND runner <> ?1"#,
            runner.0,
        )
        .fetch_all(&self.reads)
        .await
        .map_err(DbError::from)?;
        let orphans = orphans.into_iter().map(|turn| OrphanedTurn { turn: TurnId(turn), runner, at });
        let orphans: Vec<OrphanedTurn> = orphans.collect();
        let mut ended = 0;
        for orphans in orphans.chunks(REAPED_AT_ONCE) {
            ended += self.reap_some(orphans).await?;
        }
        self.writer.write(move |connection| Box::pin(drop_expired_leases(connection, runner))).await?;
        Ok(ended)
    }

    /// `reap` has ended them all.
    async fn reap_unlocked(&self, _: RunnerId, _: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn retire(&self, runner: RunnerId) -> Result<(), StoreError> {
        Ok(self.writer.write(move |connection| Box::pin(retire(connection, runner))).await?)
    }
}

impl SqliteStore {
    /// Ends some turns in one write; where that fails because of one of them, each by itself.
    async fn reap_some(&self, orphans: &[OrphanedTurn]) -> Result<u64, DbError> {
        match self.interrupt(orphans).await {
            Err(error) if !error.is_unavailable() => {}
            result => return result,
        }
        let mut ended = 0;
        for orphan in orphans {
            match self.interrupt(std::slice::from_ref(orphan)).await {
                Ok(count) => ended += count,
                Err(error) if !error.is_unavailable() => {
                    let turn = orphan.turn;
                    tracing::error!(turn.id = %turn, ?error, "turn {turn} cannot be ended");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    async fn interrupt(&self, orphans: &[OrphanedTurn]) -> Result<u64, DbError> {
        let orphans: Arc<[OrphanedTurn]> = orphans.into();
        let interrupt = self.writer.write(move |connection| {
            let orphans = Arc::clone(&orphans);
            Box::pin(async move { interrupt_all(connection, &orphans).await })
        });
        interrupt.await
    }
}

/// Those of the turns whose process is dead, with that process.
pub(crate) async fn turns_of_dead_processes(
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

async fn renew(connection: &mut SqliteConnection, runner: RunnerId) -> Result<(), DbError> {
    sqlx::query!(
        "INSERT INTO runners (id, renewed_at) VALUES (?1, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
         ON CONFLICT (id) DO UPDATE SET renewed_at = excluded.renewed_at",
        runner.0,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn retire(connection: &mut SqliteConnection, runner: RunnerId) -> Result<(), DbError> {
    sqlx::query!("DELETE FROM runners WHERE id = ?1", runner.0).execute(connection).await?;
    Ok(())
}

/// Deletes the expired leases of other processes, so that they do not pile up with each start.
async fn drop_expired_leases(connection: &mut SqliteConnection, runner: RunnerId) -> Result<(), DbError> {
    sqlx::query!(
        "DELETE FROM runners
         WHERE id <> ?1 AND renewed_at < CAST(unixepoch('subsec') * 1000000 AS INTEGER) - ?2",
        runner.0,
        LEASE,
    )
    .execute(connection)
    .await?;
    Ok(())
}
