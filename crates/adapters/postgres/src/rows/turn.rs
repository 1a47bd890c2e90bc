//! Rows of `turns` and `turn_chunks`.

use domain::{EndState, Ending, MessageId, MessageNumber, NanoDollars, ReplyRef, Seq, Timestamp, Usage};
use stored::StoredEnd;
use uuid::Uuid;

use super::count_from;
use crate::error::DbError;

/// What a call consumed, as five columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UsageColumns {
    pub(crate) input: i64,
    pub(crate) cached: i64,
    pub(crate) output: i64,
    pub(crate) reasoning: i64,
    pub(crate) estimated: bool,
}

/// More tokens than any call can take. Sums of counts up to here stay within 64 bits for thousands of turns.
const TOKENS_AT_MOST: u64 = 1_000_000_000_000_000;

impl From<Usage> for UsageColumns {
    fn from(usage: Usage) -> Self {
        let Usage { input, cached_input, output, reasoning, estimated } = usage;
        let tokens = |count: u64| count.min(TOKENS_AT_MOST).cast_signed();
        Self {
            input: tokens(input),
            cached: tokens(cached_input),
            output: tokens(output),
            reasoning: tokens(reasoning),
            estimated,
        }
    }
}

impl TryFrom<UsageColumns> for Usage {
    type Error = DbError;

    fn try_from(columns: UsageColumns) -> Result<Self, DbError> {
        Ok(Self {
            input: count_from(columns.input)?,
            cached_input: count_from(columns.cached)?,
            output: count_from(columns.output)?,
            reasoning: count_from(columns.reasoning)?,
            estimated: columns.estimated,
        })
    }
}

/// The columns of `turns` that say how a turn ended.
#[derive(Debug)]
pub(crate) struct EndingRow {
    pub(crate) state: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) failure: Option<String>,
    pub(crate) retry_after_ms: Option<i64>,
    pub(crate) usage: UsageColumns,
    pub(crate) cost_nanos: i64,
    pub(crate) response_time_ms: i64,
    pub(crate) finished_at: Option<Timestamp>,
    pub(crate) reply: ReplyColumns,
}

/// Takes an [`EndingRow`] out of a row that has its columns among others.
macro_rules! ending_row {
    ($row:ident) => {
        $crate::rows::EndingRow {
            state: $row.state,
            finish_reason: $row.finish_reason,
            failure: $row.failure,
            retry_after_ms: $row.retry_after_ms,
            usage: $crate::rows::UsageColumns {
                input: $row.input_tokens,
                cached: $row.cached_tokens,
                output: $row.output_tokens,
                reasoning: $row.reasoning_tokens,
                estimated: $row.usage_estimated,
            },
            cost_nanos: $row.cost_nanos,
            response_time_ms: $row.response_time_ms,
            finished_at: $row.finished_at,
            reply: $crate::rows::ReplyColumns {
                id: $row.reply_id,
                number: $row.reply_number,
                seq: $row.reply_seq,
                created_at: $row.replied_at,
            },
        }
    };
}
pub(crate) use ending_row;

/// The reply's row, where there is one.
#[derive(Debug)]
pub(crate) struct ReplyColumns {
    pub(crate) id: Option<Uuid>,
    pub(crate) number: Option<i64>,
    pub(crate) seq: Option<i64>,
    pub(crate) created_at: Option<Timestamp>,
}

impl From<ReplyColumns> for Option<ReplyRef> {
    fn from(row: ReplyColumns) -> Self {
        Some(ReplyRef {
            id: MessageId(row.id?),
            number: Some(MessageNumber(row.number?)),
            seq: Seq(row.seq?),
            created_at: row.created_at?,
        })
    }
}

impl TryFrom<EndingRow> for Ending {
    type Error = DbError;

    fn try_from(row: EndingRow) -> Result<Self, DbError> {
        let end = StoredEnd {
            state: &row.state,
            finish_reason: row.finish_reason.as_deref(),
            failure: row.failure.as_deref(),
            retry_after_ms: row.retry_after_ms,
        };
        Ok(Self {
            state: EndState::try_from(end).map_err(|error| DbError::corrupt("turn", error))?,
            reply: row.reply.into(),
            usage: row.usage.try_into()?,
            cost: NanoDollars(row.cost_nanos),
            response_time_ms: count_from(row.response_time_ms)?,
            at: row.finished_at.ok_or_else(|| DbError::corrupt("turn", "it has no end"))?,
        })
    }
}
