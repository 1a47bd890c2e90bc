//! Rows of `turns`.

use std::collections::HashMap;

use domain::{
    ConversationId, EndState, Ending, MessageId, MessageNumber, NanoDollars, Reply, ReplyRef, Seq, TurnId,
};
use ports::{Signals, TurnRecord};
use uuid::Uuid;

use crate::chunks::fold_chunks_after;
use crate::{KeptChunk, StoredEnd, StoredError, StoredTime, UsageColumns, count_from, reply_from};

/// A turn with its reply, or with the chunks of it while the turn runs; `T` is a time as the store keeps it.
#[derive(Debug)]
pub struct TurnColumns<T> {
    /// The turn.
    pub turn: TurnId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The number of deltas that the reader has already.
    pub known: i64,
    /// The chunks of a running turn, from `known` on.
    pub chunks: Vec<KeptChunk>,
    /// The column `parts` of the reply's row, if there is one.
    pub reply_parts: Option<String>,
    /// The column `lengths` of the reply's row.
    pub reply_lengths: Option<Vec<u8>>,
    /// How the turn ended; `state` tells whether it has.
    pub ending: EndingColumns<T>,
}

impl<T: StoredTime> TryFrom<TurnColumns<T>> for TurnRecord {
    type Error = StoredError;

    fn try_from(row: TurnColumns<T>) -> Result<Self, StoredError> {
        let TurnColumns { turn, conversation, .. } = row;
        let known = usize::try_from(row.known).unwrap_or(0);
        if row.ending.state == "running" {
            let reply = fold_chunks_after(turn, known, row.chunks);
            return Ok(Self { turn, conversation, reply, ending: None });
        }
        let reply = match (&row.reply_parts, &row.reply_lengths) {
            (Some(parts), Some(lengths)) => reply_from(parts, lengths)?.since(known),
            (None, _) | (_, None) => Reply::default(),
        };
        Ok(Self { turn, conversation, reply, ending: Some(row.ending.try_into()?) })
    }
}

/// The columns that say how a turn ended; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name, but for `usage` and `reply`")]
pub struct EndingColumns<T> {
    pub state: String,
    pub finish_reason: Option<String>,
    pub failure: Option<String>,
    pub retry_after_ms: Option<i64>,
    pub usage: UsageColumns,
    pub cost_nanos: i64,
    pub response_time_ms: i64,
    pub finished_at: Option<T>,
    pub reply: ReplyColumns<T>,
}

/// The row of the turn's reply, where there is one.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of `messages` of this name")]
pub struct ReplyColumns<T> {
    pub id: Option<Uuid>,
    pub number: Option<i64>,
    pub seq: Option<i64>,
    pub created_at: Option<T>,
}

/// Takes [`EndingColumns`] out of a row that has these columns among others.
#[macro_export]
macro_rules! ending_columns {
    ($row:ident) => {
        $crate::EndingColumns {
            state: $row.state,
            finish_reason: $row.finish_reason,
            failure: $row.failure,
            retry_after_ms: $row.retry_after_ms,
            usage: $crate::UsageColumns {
                input: $row.input_tokens,
                cached: $row.cached_tokens,
                output: $row.output_tokens,
                reasoning: $row.reasoning_tokens,
                estimated: $row.usage_estimated,
            },
            cost_nanos: $row.cost_nanos,
            response_time_ms: $row.response_time_ms,
            finished_at: $row.finished_at,
            reply: $crate::ReplyColumns {
                id: $row.reply_id,
                number: $row.reply_number,
                seq: $row.reply_seq,
                created_at: $row.replied_at,
            },
        }
    };
}

impl<T: StoredTime> TryFrom<EndingColumns<T>> for Ending {
    type Error = StoredError;

    fn try_from(row: EndingColumns<T>) -> Result<Self, StoredError> {
        let end = StoredEnd {
            state: &row.state,
            finish_reason: row.finish_reason.as_deref(),
            failure: row.failure.as_deref(),
            retry_after_ms: row.retry_after_ms,
        };
        Ok(Self {
            state: EndState::try_from(end)?,
            reply: reply_ref(&row.reply)?,
            usage: row.usage.try_into()?,
            cost: NanoDollars(row.cost_nanos),
            response_time_ms: count_from(row.response_time_ms)?,
            at: row.finished_at.ok_or(StoredError::OutOfRange { what: "end of a turn" })?.instant()?,
        })
    }
}

fn reply_ref<T: StoredTime>(row: &ReplyColumns<T>) -> Result<Option<ReplyRef>, StoredError> {
    let ReplyColumns { id: Some(id), number: Some(number), seq: Some(seq), created_at: Some(at) } = *row
    else {
        return Ok(None);
    };
    Ok(Some(ReplyRef {
        id: MessageId(id),
        number: Some(MessageNumber(number)),
        seq: Seq(seq),
        created_at: at.instant()?,
    }))
}

/// What a process must know of its running turns. `found` has those that it still runs, and whether it is asked to stop
/// them.
pub fn signals(running: Vec<TurnId>, found: impl Iterator<Item = (Uuid, bool)>) -> Signals {
    let found: HashMap<Uuid, bool> = found.collect();
    let mut signals = Signals::default();
    for turn in running {
        match found.get(&turn.0) {
            Some(true) => signals.stop.push(turn),
            Some(false) => {}
            None => signals.lost.push(turn),
        }
    }
    signals
}
