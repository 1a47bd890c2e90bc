//! Ends turns whose process is dead, with the text that it kept.

use std::collections::HashMap;

use domain::usage::estimate_tokens;
use domain::{
    ConversationId, EndState, Ending, MessageId, NanoDollars, Reply, RunnerId, Timestamp, TurnId, Usage,
};
use ports::{Finish, Finished};
use serde::Serialize;
use sqlx::SqliteConnection;
use stored::{KeptChunk, fold_chunks};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::turns::finish;
use crate::values::json_of;

/// A turn to be ended in place of its dead process.
pub(crate) struct TakeOver {
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

/// Ends turns as interrupted, each named once; answers how many. A dead process that wakes up finds that it has lost them.
pub(crate) async fn interrupt_all(
    connection: &mut SqliteConnection,
    take_overs: &[TakeOver],
) -> Result<u64, DbError> {
    let conversations = take(connection, take_overs).await?;
    let mut replies = kept_replies(connection, take_overs).await?;
    let mut finishes = Vec::with_capacity(take_overs.len());
    for take_over in take_overs {
        let Some(conversation) = conversations.get(&take_over.turn) else { continue };
        let reply = replies.remove(&take_over.turn).unwrap_or_default();
        finishes.push(interruption(take_over, *conversation, reply));
    }
    let orders: Vec<&Finish> = finishes.iter().collect();
    let mut ended = 0;
    for answer in finish::close_all(connection, &orders).await? {
        match answer {
            Ok(Finished::Done { .. }) => ended += 1,
            Ok(Finished::Lost) => {}
            // It is ended; only its conversation cannot be read.
            Err(error) => tracing::error!(?error, "the conversation of an interrupted turn cannot be read"),
        }
    }
    Ok(ended)
}

/// Makes the turns ours, so that no other process can end them any more.
async fn take(
    connection: &mut SqliteConnection,
    take_overs: &[TakeOver],
) -> Result<HashMap<TurnId, ConversationId>, DbError> {
    let rows: Vec<NewRunner> = take_overs
        .iter()
        .map(|take_over| NewRunner { turn: take_over.turn.0.simple(), runner: take_over.runner.0.simple() })
        .collect();
    let rows = json_of(&rows)?;
    let taken = sqlx::query!(
        r#"UPDATE turns SET runner = unhex(j.value->>'runner')
           FROM json_each(?1) AS j WHERE turns.id = unhex(j.value->>'turn') AND turns.state = 'running'
           RETURNING id AS "id: Uuid", conversation_id AS "conversation_id: Uuid""#,
        rows,
    )
    .fetch_all(connection)
    .await?;
    Ok(taken.into_iter().map(|turn| (TurnId(turn.id), ConversationId(turn.conversation_id))).collect())
}

async fn kept_replies(
    connection: &mut SqliteConnection,
    take_overs: &[TakeOver],
) -> Result<HashMap<TurnId, Reply>, DbError> {
    let ids: Vec<Simple> = take_overs.iter().map(|take_over| take_over.turn.0.simple()).collect();
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

fn interruption(take_over: &TakeOver, conversation: ConversationId, reply: Reply) -> Finish {
    let usage = Usage { output: estimate_tokens(reply.bytes()).into(), estimated: true, ..Usage::default() };
    let ending = Ending {
        state: EndState::Interrupted,
        reply: None,
        usage,
        cost: NanoDollars::default(),
        response_time_ms: 0,
        at: take_over.at,
    };
    // A turn has one reply at most, so its id is free to name it.
    let id = MessageId(take_over.turn.0);
    Finish {
        turn: take_over.turn,
        runner: take_over.runner,
        conversation,
        ending,
        reply: Some((id, reply)),
        title: None,
        ledger: None,
    }
}
