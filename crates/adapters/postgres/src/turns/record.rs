//! Turns as they are read.

use domain::{ConversationId, Ending, Reply, TurnId, UserId};
use ports::{Finished, TurnRecord};
use stored::{ChangeColumns, KeptChunk, fold_chunks};

use crate::PostgresStore;
use crate::error::DbError;

impl PostgresStore {
    pub(super) async fn find_turn(
        &self,
        caller: UserId,
        turn: TurnId,
    ) -> Result<Option<TurnRecord>, DbError> {
        let read = |pool| sqlx::query_file!("queries/find_turn.sql", turn.0, caller.0).fetch_optional(pool);
        let Some(row) = self.pool.run(read).await? else { return Ok(None) };
        let conversation = ConversationId(row.conversation_id);
        if row.state == "running" {
            let chunks = row.firsts.into_iter().zip(row.chunks).zip(row.chunk_lengths);
            let chunks =
                chunks.map(|((first, parts), lengths)| KeptChunk { first: first.into(), parts, lengths });
            let reply = fold_chunks(turn, chunks);
            return Ok(Some(TurnRecord { turn, conversation, reply, ending: None }));
        }
        let reply = match (&row.parts, &row.lengths) {
            (Some(parts), Some(lengths)) => stored::reply_from(parts, lengths)?,
            (None, _) | (_, None) => Reply::default(),
        };
        let ending = stored::ending_columns!(row);
        Ok(Some(TurnRecord { turn, conversation, reply, ending: Some(Ending::try_from(ending)?) }))
    }

    /// The result of a finish that was made before, as the first call got it.
    pub(super) async fn finished_before(&self, turn: TurnId) -> Result<Finished, DbError> {
        let read = |pool| {
            sqlx::query!(
                r#"SELECT t.state, t.finish_reason, t.failure, t.retry_after_ms, t.input_tokens,
                     t.cached_tokens, t.output_tokens, t.reasoning_tokens, t.usage_estimated, t.cost_nanos,
                     t.response_time_ms, t.finished_at, m.id AS "reply_id?", m.number AS "reply_number?",
                     m.seq AS "reply_seq?", m.created_at AS "replied_at?", c.last_seq, c.message_count,
                     c.input_tokens AS total_input, c.output_tokens AS total_output, c.cost_nanos AS total_cost,
                     c.persona_id, c.last_model, c.title, c.updated_at
                   FROM omnichat.turns t
                   JOIN omnichat.conversations c ON c.id = t.conversation_id
                   LEFT JOIN omnichat.messages m
                     ON m.conversation_id = t.conversation_id AND m.seq = t.reply_seq AND m.deleted_at IS NULL
                   WHERE t.id = $1"#,
                turn.0,
            )
            .fetch_optional(pool)
        };
        let Some(row) = self.pool.run(read).await? else { return Ok(Finished::Lost) };
        let change = ChangeColumns {
            last_seq: row.last_seq,
            message_count: row.message_count.into(),
            input_tokens: row.total_input,
            output_tokens: row.total_output,
            cost_nanos: row.total_cost,
            persona_id: row.persona_id,
            last_model: row.last_model,
            title: row.title,
            updated_at: row.updated_at,
        };
        let ending = stored::ending_columns!(row);
        Ok(Finished::Done { ending: ending.try_into()?, change: Box::new(change.try_into()?) })
    }
}
