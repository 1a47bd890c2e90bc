//! Turns as their owners see them: whole, or only the deltas after those that are known already.

use async_trait::async_trait;
use domain::{ConversationId, TurnId, UserId};
use ports::{FollowedTurn, StoreError, TurnEvents, TurnRecord};
use stored::{KeptChunk, StoredError, TurnColumns};
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;
use crate::pool::Pool;

/// A turn, or why it cannot be read: it must not hide the other turns of the same statement.
type ReadTurn = (TurnId, Result<TurnRecord, StoredError>);

#[async_trait]
impl TurnEvents for PostgresStore {
    async fn news(&self, followed: Vec<FollowedTurn>) -> Result<Vec<TurnRecord>, StoreError> {
        let mut news = Vec::with_capacity(followed.len());
        for (turn, record) in read_turns(&self.steady, &followed).await? {
            match record {
                Ok(record) => news.push(record),
                Err(error) => tracing::error!(turn.id = %turn, ?error, "turn {turn} cannot be read"),
            }
        }
        Ok(news)
    }
}

impl PostgresStore {
    pub(super) async fn find_turn(
        &self,
        caller: UserId,
        turn: TurnId,
    ) -> Result<Option<TurnRecord>, DbError> {
        let found = read_turns(&self.pool, &[FollowedTurn { caller, turn, known: 0 }]).await?;
        Ok(found.into_iter().next().map(|(_, record)| record).transpose()?)
    }
}

/// Reads turns in one statement. Turns that are not the caller's, or that are gone, are left out.
async fn read_turns(pool: &Pool, followed: &[FollowedTurn]) -> Result<Vec<ReadTurn>, DbError> {
    let turns: Vec<Uuid> = followed.iter().map(|followed| followed.turn.0).collect();
    let callers: Vec<i64> = followed.iter().map(|followed| followed.caller.0).collect();
    let known: Vec<i32> =
        followed.iter().map(|followed| followed.known.try_into().unwrap_or(i32::MAX)).collect();
    let read = |pool| {
        sqlx::query_file!("queries/follow_turns.sql", turns.as_slice(), callers.as_slice(), known.as_slice())
            .fetch_all(pool)
    };
    let rows = pool.run(read).await?.into_iter().map(|row| {
        let (turn, conversation) = (TurnId(row.id), ConversationId(row.conversation_id));
        let chunks = row.firsts.into_iter().zip(row.chunks).zip(row.chunk_lengths);
        let columns = TurnColumns {
            turn,
            known: row.known.into(),
            chunks: chunks
                .map(|((first, parts), lengths)| KeptChunk { first: first.into(), parts, lengths })
                .collect(),
            reply_parts: row.parts,
            reply_lengths: row.lengths,
            ending: stored::ending_columns!(row),
        };
        let record = columns.read().map(|(reply, ending)| TurnRecord { turn, conversation, reply, ending });
        (turn, record)
    });
    Ok(rows.collect())
}
