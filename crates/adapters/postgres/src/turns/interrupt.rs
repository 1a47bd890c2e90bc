//! Ends turns whose process is dead, with the text that it kept.

use std::sync::Arc;

use domain::{ConversationId, RunnerId, Timestamp, TurnId};
use stored::{KeptChunk, fold_chunks};

use super::finish::CloseTurn;
use crate::PostgresStore;
use crate::error::DbError;
use crate::writer::Outcome;

impl PostgresStore {
    /// Ends a turn in place of its dead process; answers whether this call did it.
    ///
    /// The turn becomes the closer's in the very statement that ends it. So there is no state in between that a second
    /// crash could leave behind, and whoever else wants to end the turn, its own process included, comes too late.
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
        let order = CloseTurn::interruption(turn, conversation, dead, closer, &kept, at);
        let outcome = self.writer.submit(Arc::new(order)).await?;
        Ok(matches!(outcome, Outcome::Done(_)))
    }
}
