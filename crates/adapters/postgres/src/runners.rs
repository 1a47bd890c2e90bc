//! The processes that run turns. Leases go by the database's clock.

mod lock;

use async_trait::async_trait;
use domain::{RunnerId, Timestamp, TurnId};
use futures_util::future::join_all;
use ports::{RunnerStore, StoreError};

use crate::PostgresStore;
use crate::error::DbError;

/// The most turns that are ended at the same time, so that the process can renew its own lease in between.
const REAPED_AT_ONCE: usize = 64;

#[async_trait]
impl RunnerStore for PostgresStore {
    async fn renew(&self, runner: RunnerId) -> Result<(), StoreError> {
        Ok(self.renew_lease(runner).await?)
    }

    async fn hold_lock(&self, runner: RunnerId) {
        self.keep_lock(runner).await;
    }

    async fn reap(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError> {
        let turns = self.turns_of_expired_leases(runner).await?;
        let ended = self.interrupt_all(&turns, runner, at).await?;
        self.drop_expired_leases(runner).await?;
        Ok(ended)
    }

    async fn reap_unlocked(&self, runner: RunnerId, at: Timestamp) -> Result<u64, StoreError> {
        let turns = self.turns_of_lost_locks(runner).await?;
        Ok(self.interrupt_all(&turns, runner, at).await?)
    }

    async fn retire(&self, runner: RunnerId) -> Result<(), StoreError> {
        let retire =
            |pool| sqlx::query!("DELETE FROM omnichat.runners WHERE id = $1", runner.0).execute(pool);
        self.pool.run(retire).await?;
        Ok(())
    }
}

impl PostgresStore {
    async fn renew_lease(&self, runner: RunnerId) -> Result<(), DbError> {
        let renew = |pool| {
            sqlx::query!(
                "INSERT INTO omnichat.runners AS r (id, renewed_at, since) VALUES ($1, now(), now())
                 ON CONFLICT (id) DO UPDATE SET
                     renewed_at = excluded.renewed_at,
                     -- Two renewals were missed: perhaps the database was away for all processes.
                     since = CASE
                         WHEN r.renewed_at < now() - interval '10 seconds' THEN excluded.since ELSE r.since
                     END",
                runner.0,
            )
            .execute(pool)
        };
        self.steady.run(renew).await?;
        Ok(())
    }

    async fn turns_of_expired_leases(&self, runner: RunnerId) -> Result<Vec<(TurnId, RunnerId)>, DbError> {
        let read = |pool| {
            sqlx::query!(
                "SELECT t.id, t.runner FROM omnichat.turns t
                 LEFT JOIN omnichat.runners r ON r.id = t.runner
                 WHERE t.state = 'running' AND t.runner <> $1
                   AND EXISTS (
                       SELECT 1 FROM omnichat.runners me
                       WHERE me.id = $1 AND me.since < now() - interval '20 seconds'
                         AND me.renewed_at >= now() - interval '10 seconds'
                   )
                   AND (r.id IS NULL OR r.renewed_at < now() - interval '20 seconds')
                 ORDER BY t.id",
                runner.0,
            )
            .fetch_all(pool)
        };
        let turns = self.steady.run(read).await?;
        Ok(turns.into_iter().map(|turn| (TurnId(turn.id), RunnerId(turn.runner))).collect())
    }

    async fn turns_of_lost_locks(&self, runner: RunnerId) -> Result<Vec<(TurnId, RunnerId)>, DbError> {
        let read = |pool| sqlx::query_file!("queries/reap_unlocked.sql", runner.0).fetch_all(pool);
        let turns = self.steady.run(read).await?;
        Ok(turns.into_iter().map(|turn| (TurnId(turn.id), RunnerId(turn.runner))).collect())
    }

    /// Ends these turns in place of their dead processes. Returns how many of them this call has ended.
    async fn interrupt_all(
        &self,
        turns: &[(TurnId, RunnerId)],
        closer: RunnerId,
        at: Timestamp,
    ) -> Result<u64, DbError> {
        let mut ended = 0;
        for turns in turns.chunks(REAPED_AT_ONCE) {
            let interrupt = |(turn, dead): &(TurnId, RunnerId)| self.interrupt(*turn, *dead, closer, at);
            let results = join_all(turns.iter().map(interrupt)).await;
            for (result, (turn, _)) in results.into_iter().zip(turns) {
                match result {
                    Ok(was_ended) => ended += u64::from(was_ended),
                    Err(error) if error.is_unavailable() => return Err(error),
                    // The others are ended all the same.
                    Err(error) => {
                        tracing::error!(turn.id = %turn, ?error, "turn {turn} cannot be ended");
                    }
                }
            }
        }
        Ok(ended)
    }

    /// Deletes leases that expired long ago, so that they do not pile up with each start.
    async fn drop_expired_leases(&self, runner: RunnerId) -> Result<(), DbError> {
        let delete = |pool| {
            sqlx::query!(
                "DELETE FROM omnichat.runners WHERE id <> $1 AND renewed_at < now() - interval '1 hour'",
                runner.0,
            )
            .execute(pool)
        };
        self.steady.run(delete).await?;
        Ok(())
    }
}
