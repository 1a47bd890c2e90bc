//! Turns as their owners see them: whole, or only the deltas after those that are known already.

use async_trait::async_trait;
use domain::{ConversationId, Timestamp, TurnId};
use ports::{FollowedTurn, StoreError, TurnEvents, TurnRecord};
use stored::{KeptChunk, TurnColumns, readable};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;
use crate::pool::Pool;

#[async_trait]
impl TurnEvents for PostgresStore {
    async fn news(&self, followed: Vec<FollowedTurn>) -> Result<Vec<TurnRecord>, StoreError> {
        Ok(readable(read_turns(&self.steady, &followed).await?, "turn", |row| row.turn))
    }
}

/// Reads turns in one statement. Turns that are not the caller's, or that are gone, are left out.
pub(super) async fn read_turns(
    pool: &Pool,
    followed: &[FollowedTurn],
) -> Result<Vec<TurnColumns<Timestamp>>, DbError> {
    let turns: Vec<Uuid> = followed.iter().map(|followed| followed.turn.0).collect();
    let callers: Vec<i64> = followed.iter().map(|followed| followed.caller.0).collect();
    let known: Vec<i32> =
        followed.iter().map(|followed| followed.known.try_into().unwrap_or(i32::MAX)).collect();
    let read = |pool| {
        sqlx::query_file!("queries/follow_turns.sql", turns.as_slice(), callers.as_slice(), known.as_slice())
            .fetch_all(pool)
    };
    let rows = pool.run(read).await?.into_iter().map(|row| {
        let chunks = row.firsts.into_iter().zip(row.chunks).zip(row.chunk_lengths);
        TurnColumns {
            turn: TurnId(row.id),
            conversation: ConversationId(row.conversation_id),
            known: row.known.into(),
            chunks: chunks
                .map(|((first, parts), lengths)| KeptChunk { first: first.into(), parts, lengths })
                .collect(),
            reply_parts: row.parts,
            reply_lengths: row.lengths,
            ending: stored::ending_columns!(row),
        }
    });
    Ok(rows.collect())
}
