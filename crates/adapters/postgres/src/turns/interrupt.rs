//! Ends turns whose process is dead, with the text that it had kept.

use std::sync::Arc;

use domain::{ConversationId, RunnerId, Timestamp, TurnId};
use ports::Finish;
use stored::{KeptChunk, fold_chunks};

use super::finish::CloseTurn;
use crate::PostgresStore;
use crate::error::DbError;

impl PostgresStore {
    /// Ends a turn in place of its dead process. Returns whether this call did it.
    ///
    /// The statement that ends the turn also gives it to the closer. So a crash of the closer leaves no state in between,
    /// and any other process that wants to end the turn, its own included, finds that it has lost it.
    pub(crate) async fn interrupt(
        &self,
        turn: TurnId,
        dead: RunnerId,
        closer: RunnerId,
        at: Timestamp,
    ) -> Result<bool, DbError> {
        let read = |pool| {
            sqlx::query!(
                r#"SELECT t.conversation_id, k.firsts AS "firsts!", k.parts AS "parts!", k.lengths AS "lengths!"
                   FROM omnichat.turns t
                   CROSS JOIN LATERAL (
                       SELECT coalesce(array_agg(c.first ORDER BY c.first), '{}') AS firsts,
                           coalesce(array_agg(c.parts ORDER BY c.first), '{}') AS parts,
                           coalesce(array_agg(c.lengths ORDER BY c.first), '{}') AS lengths
                       FROM omnichat.turn_chunks c WHERE c.turn_id = t.id
                   ) k
                   WHERE t.id = $1 AND t.runner = $2 AND t.state = 'running'"#,
                turn.0,
                dead.0,
            )
            .fetch_optional(pool)
        };
        let Some(row) = self.pool.run(read).await? else { return Ok(false) };
        let chunks = row.firsts.into_iter().zip(row.parts).zip(row.lengths);
        let chunks =
            chunks.map(|((first, parts), lengths)| KeptChunk { first: first.into(), parts, lengths });
        let kept = fold_chunks(turn, chunks);
        let conversation = ConversationId(row.conversation_id);
        let finish = Finish::interrupted(turn, closer, conversation, kept, at);
        let result = self.writer.submit(Arc::new(CloseTurn::of_dead_process(dead, finish))).await?;
        Ok(result.is_ok())
    }
}
