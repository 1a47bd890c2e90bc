//! Ends turns whose process is dead, with the text that it had kept.

use std::collections::HashMap;

use domain::{ConversationId, Reply, RunnerId, Timestamp, TurnId};
use ports::{Finish, Finished};
use serde::Serialize;
use sqlx::SqliteConnection;
use stored::{KeptChunk, fold_chunks};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::turns::finish::{self, PreparedFinish};
use crate::values::json_of;

/// A running turn whose process is dead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrphanedTurn {
    pub(crate) turn: TurnId,
    /// The process that ends it.
    pub(crate) runner: RunnerId,
    pub(crate) at: Timestamp,
}

#[derive(Serialize)]
struct NewRunner {
    turn: Simple,
    runner: Simple,
}

/// Ends different turns as interrupted, and returns how many. A process that was taken for dead finds that it has lost
/// them.
pub(crate) async fn interrupt_all(
    connection: &mut SqliteConnection,
    orphans: &[OrphanedTurn],
) -> Result<u64, DbError> {
    let conversations = claim(connection, orphans).await?;
    let mut replies = kept_replies(connection, orphans).await?;
    let mut finishes: Vec<PreparedFinish> = Vec::with_capacity(orphans.len());
    for OrphanedTurn { turn, runner, at } in orphans {
        let Some(conversation) = conversations.get(turn) else { continue };
        let kept = replies.remove(turn).unwrap_or_default();
        finishes.push(Finish::interrupted(*turn, *runner, *conversation, kept, *at).into());
    }
    let finishes: Vec<&PreparedFinish> = finishes.iter().collect();
    let mut ended = 0;
    for result in finish::close_all(connection, &finishes).await? {
        match result {
            Ok(Finished::Done { .. }) => ended += 1,
            Ok(Finished::Lost) => {}
            // The turn is ended; only the result for its conversation cannot be read.
            Err(error) => tracing::error!(?error, "the conversation of an interrupted turn cannot be read"),
        }
    }
    Ok(ended)
}

/// Gives the turns to the process that ends them, so that no other process can end them any more.
async fn claim(
    connection: &mut SqliteConnection,
    orphans: &[OrphanedTurn],
) -> Result<HashMap<TurnId, ConversationId>, DbError> {
    let row =
        |orphan: &OrphanedTurn| NewRunner { turn: orphan.turn.0.simple(), runner: orphan.runner.0.simple() };
    let rows = json_of(&orphans.iter().map(row).collect::<Vec<_>>())?;
    let claimed = sqlx::query!(
        r#"UPDATE turns SET runner = unhex(j.value->>'runner')
           FROM json_each(?1) AS j WHERE turns.id = unhex(j.value->>'turn') AND turns.state = 'running'
           RETURNING id AS "id: Uuid", conversation_id AS "conversation_id: Uuid""#,
        rows,
    )
    .fetch_all(connection)
    .await?;
    Ok(claimed.into_iter().map(|turn| (TurnId(turn.id), ConversationId(turn.conversation_id))).collect())
}

async fn kept_replies(
    connection: &mut SqliteConnection,
    orphans: &[OrphanedTurn],
) -> Result<HashMap<TurnId, Reply>, DbError> {
    let ids: Vec<Simple> = orphans.iter().map(|orphan| orphan.turn.0.simple()).collect();
    let ids = json_of(&ids)?;
    let rows = sqlx::query!(
        r#"SELECT turn_id AS "turn_id: Uuid", first, parts, lengths FROM turn_chunks
           WHERE turn_id IN (SELECT unhex(value) FROM json_each(?1)) ORDER BY turn_id, first"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    let mut chunks: HashMap<TurnId, Vec<KeptChunk>> = HashMap::new();
    for row in rows {
        let chunk = KeptChunk { first: row.first, parts: row.parts, lengths: row.lengths };
        chunks.entry(TurnId(row.turn_id)).or_default().push(chunk);
    }
    Ok(chunks.into_iter().map(|(turn, chunks)| (turn, fold_chunks(turn, chunks))).collect())
}
