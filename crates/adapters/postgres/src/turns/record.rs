//! How turns ended.

use domain::TurnId;
use ports::Finished;
use stored::ChangeColumns;

use crate::PostgresStore;
use crate::error::DbError;

impl PostgresStore {
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
        Ok(Finished::Done { ending: ending.try_into()?, change: change.after_end_of(turn) })
    }
}
