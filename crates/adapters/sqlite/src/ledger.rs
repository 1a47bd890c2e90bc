//! The ledger: what model calls consumed and cost.

use async_trait::async_trait;
use domain::{LedgerEntry, NanoDollars, UserId};
use ports::{Ledger, LedgerTotals, StoreError};
use serde::Serialize;
use sqlx::{SqliteConnection, SqlitePool};
use stored::{UsageColumns, count_from};
use uuid::fmt::Simple;

use crate::SqliteStore;
use crate::error::DbError;
use crate::values::{json_of, micros};

#[async_trait]
impl Ledger for SqliteStore {
    async fn append(&self, entry: LedgerEntry) -> Result<(), StoreError> {
        let row = LedgerRow::from(&entry);
        Ok(self.writer.write(move |connection| Box::pin(append(connection, row.clone()))).await?)
    }

    async fn totals(&self, user: UserId) -> Result<LedgerTotals, StoreError> {
        Ok(totals(&self.reads, user).await?)
    }
}

async fn totals(reads: &SqlitePool, user: UserId) -> Result<LedgerTotals, DbError> {
    let sums = sqlx::query!(
        r#"SELECT count(*) AS "calls!: i64", coalesce(sum(input_tokens), 0) AS "input!: i64",
             coalesce(sum(cached_tokens), 0) AS "cached!: i64",
             coalesce(sum(output_tokens), 0) AS "output!: i64",
             coalesce(sum(reasoning_tokens), 0) AS "reasoning!: i64",
             coalesce(max(usage_estimated), 0) AS "estimated!: bool",
             coalesce(sum(cost_nanos), 0) AS "cost!: i64"
           FROM ledger WHERE user_id = ?1"#,
        user.0,
    )
    .fetch_one(reads)
    .await?;
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

/// A row to insert into `ledger`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LedgerRow {
    user: i64,
    conversation: Option<Simple>,
    turn: Option<Simple>,
    purpose: &'static str,
    provider: String,
    model: String,
    usage: UsageColumns,
    cost: i64,
    at: i64,
}

impl From<&LedgerEntry> for LedgerRow {
    fn from(entry: &LedgerEntry) -> Self {
        Self {
            user: entry.user.0,
            conversation: entry.conversation.map(|conversation| conversation.0.simple()),
            turn: entry.turn.map(|turn| turn.0.simple()),
            purpose: stored::purpose_name(entry.purpose),
            provider: entry.provider.clone(),
            model: entry.model.to_string(),
            usage: entry.usage.into(),
            cost: entry.cost.clamped().0,
            at: micros(entry.at),
        }
    }
}

/// Adds a call that closes no turn.
async fn append(connection: &mut SqliteConnection, row: LedgerRow) -> Result<(), DbError> {
    append_all(connection, &[row]).await
}

/// Adds calls.
pub(crate) async fn append_all(connection: &mut SqliteConnection, rows: &[LedgerRow]) -> Result<(), DbError> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = json_of(rows)?;
    sqlx::query!(
        "INSERT INTO ledger
           (user_id, conversation_id, turn_id, purpose, provider, model, input_tokens, cached_tokens,
            output_tokens, reasoning_tokens, usage_estimated, cost_nanos, created_at)
         SELECT j.value->>'user', unhex(j.value->>'conversation'), unhex(j.value->>'turn'),
           j.value->>'purpose', j.value->>'provider', j.value->>'model',
           j.value->>'$.usage.input', j.value->>'$.usage.cached', j.value->>'$.usage.output',
           j.value->>'$.usage.reasoning', j.value->>'$.usage.estimated', j.value->>'cost',
           j.value->>'at'
         FROM json_each(?1) AS j",
        rows,
    )
    .execute(connection)
    .await?;
    Ok(())
}
