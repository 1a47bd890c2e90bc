//! The ledger: what model calls consumed and cost.

use async_trait::async_trait;
use domain::{LedgerEntry, NanoDollars, UserId};
use ports::{Ledger, LedgerTotals, StoreError};
use stored::{UsageColumns, count_from};

use crate::PostgresStore;

#[async_trait]
impl Ledger for PostgresStore {
    async fn append(&self, entry: LedgerEntry) -> Result<(), StoreError> {
        let LedgerEntry { user, conversation, turn, purpose, provider, model, usage, cost, at } = entry;
        let usage = UsageColumns::from(usage);
        let insert = |pool| {
            sqlx::query!(
                "INSERT INTO omnichat.ledger (user_id, conversation_id, turn_id, purpose, provider, model,
                   input_tokens, cached_tokens, output_tokens, reasoning_tokens, usage_estimated, cost_nanos, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                user.0,
                conversation.map(|id| id.0),
                turn.map(|id| id.0),
                stored::purpose_name(purpose),
                provider,
                model.as_str(),
                usage.input,
                usage.cached,
                usage.output,
                usage.reasoning,
                usage.estimated,
                cost.clamped().0,
                at,
            )
            .execute(pool)
        };
        self.pool.run(insert).await?;
        Ok(())
    }

    async fn totals(&self, user: UserId) -> Result<LedgerTotals, StoreError> {
        let read = |pool| {
            sqlx::query!(
                r#"SELECT count(*) AS "calls!", coalesce(sum(input_tokens), 0)::bigint AS "input!",
                     coalesce(sum(cached_tokens), 0)::bigint AS "cached!",
                     coalesce(sum(output_tokens), 0)::bigint AS "output!",
                     coalesce(sum(reasoning_tokens), 0)::bigint AS "reasoning!",
                     coalesce(bool_or(usage_estimated), false) AS "estimated!",
                     coalesce(sum(cost_nanos), 0)::bigint AS "cost!"
                   FROM omnichat.ledger WHERE user_id = $1"#,
                user.0,
            )
            .fetch_one(pool)
        };
        let sums = self.pool.run(read).await?;
        let usage = UsageColumns {
            input: sums.input,
            cached: sums.cached,
            output: sums.output,
            reasoning: sums.reasoning,
            estimated: sums.estimated,
        };
        Ok(LedgerTotals {
            calls: count_from(sums.calls)?,
            usage: usage.try_into()?,
            cost: NanoDollars(sums.cost),
        })
    }
}
