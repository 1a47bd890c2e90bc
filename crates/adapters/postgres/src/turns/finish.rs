//! Closes turns.

use std::collections::HashMap;

use domain::{
    ConversationChange, ConversationId, Ending, LedgerEntry, MessageNumber, ModelName, ReplyRef, RunnerId,
    Seq, Timestamp, Title, TurnId, Usage,
};
use ports::Finish;
use sqlx::PgConnection;
use stored::{ChangeColumns, ReplyToAppend, StoredEnd, UsageColumns};
use uuid::Uuid;

use super::writer::op::{BatchOp, Diagnosis};
use crate::error::DbError;

/// A turn to be closed, with its reply as it is stored.
#[derive(Debug)]
pub(crate) struct CloseTurn {
    turn: TurnId,
    conversation: ConversationId,
    /// The process that runs it.
    runner: RunnerId,
    /// The process that closes it: the same one, or another one where the first is dead.
    closer: RunnerId,
    ending: Ending,
    reply: Option<ReplyToAppend>,
    title: Option<Title>,
    ledger: Option<LedgerEntry>,
}

/// Why a turn was not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotClosed {
    /// The same process closed it before.
    Ended,
    /// Another process has it, or there is no such turn.
    Lost,
}

impl From<Finish> for CloseTurn {
    fn from(finish: Finish) -> Self {
        let Finish { turn, runner, conversation, ending, reply, title, ledger } = finish;
        let ending = Ending { reply: None, ..ending.storable() };
        let reply = reply.and_then(|(id, reply)| ReplyToAppend::of(id, &reply, ending.usage));
        Self { turn, conversation, runner, closer: runner, ending, reply, title, ledger }
    }
}

impl CloseTurn {
    /// Closes the turn of a dead process in its place.
    pub(super) fn of_dead_process(dead: RunnerId, finish: Finish) -> Self {
        Self { runner: dead, ..Self::from(finish) }
    }
}

/// The finishes of a batch: an array for each column.
#[derive(Default)]
struct Arrays<'a> {
    turn: Vec<Uuid>,
    conversation: Vec<Uuid>,
    runner: Vec<Uuid>,
    closer: Vec<Uuid>,
    state: Vec<&'a str>,
    finish_reason: Vec<Option<&'a str>>,
    failure: Vec<Option<&'a str>>,
    retry_after_ms: Vec<Option<i64>>,
    usage: UsageArrays,
    cost: Vec<i64>,
    response_time_ms: Vec<i64>,
    at: Vec<Timestamp>,
    title: Vec<Option<&'a str>>,
    reply: Vec<Option<Uuid>>,
    parts: Vec<Option<&'a str>>,
    lengths: Vec<Option<&'a [u8]>>,
    token_count: Vec<Option<i32>>,
    ledger: LedgerArrays<'a>,
}

#[derive(Default)]
struct UsageArrays {
    input: Vec<i64>,
    cached: Vec<i64>,
    output: Vec<i64>,
    reasoning: Vec<i64>,
    estimated: Vec<bool>,
}

impl UsageArrays {
    fn push(&mut self, usage: Usage) {
        let UsageColumns { input, cached, output, reasoning, estimated } = usage.into();
        self.input.push(input);
        self.cached.push(cached);
        self.output.push(output);
        self.reasoning.push(reasoning);
        self.estimated.push(estimated);
    }
}

/// The ledger entries of a batch. Turns without a model call have none.
#[derive(Default)]
struct LedgerArrays<'a> {
    closed_turn: Vec<Uuid>,
    user: Vec<i64>,
    conversation: Vec<Option<Uuid>>,
    turn: Vec<Option<Uuid>>,
    purpose: Vec<&'a str>,
    provider: Vec<&'a str>,
    model: Vec<&'a str>,
    usage: UsageArrays,
    cost: Vec<i64>,
    at: Vec<Timestamp>,
}

impl<'a> Arrays<'a> {
    fn of(batch: &[&'a CloseTurn]) -> Self {
        let mut arrays = Self::default();
        for op in batch {
            let end = StoredEnd::from(&op.ending.state);
            arrays.turn.push(op.turn.0);
            arrays.conversation.push(op.conversation.0);
            arrays.runner.push(op.runner.0);
            arrays.closer.push(op.closer.0);
            arrays.state.push(end.state);
            arrays.finish_reason.push(end.finish_reason);
            arrays.failure.push(end.failure);
            arrays.retry_after_ms.push(end.retry_after_ms);
            arrays.usage.push(op.ending.usage);
            arrays.cost.push(op.ending.cost.0);
            arrays.response_time_ms.push(op.ending.response_time_ms.into());
            arrays.at.push(op.ending.at);
            arrays.title.push(op.title.as_ref().map(Title::as_str));
            let reply = op.reply.as_ref();
            arrays.reply.push(reply.map(|reply| reply.id.0));
            arrays.parts.push(reply.map(|reply| reply.parts.as_str()));
            arrays.lengths.push(reply.map(|reply| reply.lengths.as_slice()));
            arrays.token_count.push(reply.map(|reply| reply.token_count));
            if let Some(entry) = &op.ledger {
                arrays.ledger.push(op.turn, entry);
            }
        }
        arrays
    }
}

impl<'a> LedgerArrays<'a> {
    fn push(&mut self, closed: TurnId, entry: &'a LedgerEntry) {
        let LedgerEntry { user, conversation, turn, purpose, provider, model, usage, cost, at } = entry;
        self.closed_turn.push(closed.0);
        self.user.push(user.0);
        self.conversation.push(conversation.map(|id| id.0));
        self.turn.push(turn.map(|id| id.0));
        self.purpose.push(stored::purpose_name(*purpose));
        self.provider.push(provider);
        self.model.push(ModelName::as_str(model));
        self.usage.push(*usage);
        self.cost.push(cost.clamped().0);
        self.at.push(*at);
    }
}

impl BatchOp for CloseTurn {
    type Output = (Ending, Option<Box<ConversationChange>>);
    type Refusal = NotClosed;

    const OUTLIVES_ITS_CALLER: bool = true;

    fn turn(&self) -> Uuid {
        self.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.conversation.0
    }

    async fn execute(
        connection: &mut PgConnection,
        batch: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Self::Output, DbError>>, sqlx::Error> {
        let arrays = Arrays::of(batch);
        let ledger = &arrays.ledger;
        let rows = sqlx::query_file!(
            "queries/finish.sql",
            arrays.turn.as_slice(),
            arrays.conversation.as_slice(),
            arrays.runner.as_slice(),
            arrays.closer.as_slice(),
            arrays.state.as_slice() as _,
            arrays.finish_reason.as_slice() as _,
            arrays.failure.as_slice() as _,
            arrays.retry_after_ms.as_slice() as _,
            arrays.usage.input.as_slice(),
            arrays.usage.cached.as_slice(),
            arrays.usage.output.as_slice(),
            arrays.usage.reasoning.as_slice(),
            arrays.usage.estimated.as_slice(),
            arrays.cost.as_slice(),
            arrays.response_time_ms.as_slice(),
            arrays.at.as_slice(),
            arrays.title.as_slice() as _,
            arrays.reply.as_slice() as _,
            arrays.parts.as_slice() as _,
            arrays.lengths.as_slice() as _,
            arrays.token_count.as_slice() as _,
            ledger.closed_turn.as_slice(),
            ledger.user.as_slice(),
            ledger.conversation.as_slice() as _,
            ledger.turn.as_slice() as _,
            ledger.purpose.as_slice() as _,
            ledger.provider.as_slice() as _,
            ledger.model.as_slice() as _,
            ledger.usage.input.as_slice(),
            ledger.usage.cached.as_slice(),
            ledger.usage.output.as_slice(),
            ledger.usage.reasoning.as_slice(),
            ledger.usage.estimated.as_slice(),
            ledger.cost.as_slice(),
            ledger.at.as_slice(),
        )
        .fetch_all(connection)
        .await?;
        let ops: HashMap<Uuid, &Self> = batch.iter().map(|op| (op.turn.0, *op)).collect();
        let mut closed = HashMap::with_capacity(rows.len());
        for row in rows {
            let Some(op) = ops.get(&row.turn) else { continue };
            let reply = op.reply.as_ref().map(|reply| ReplyRef {
                id: reply.id,
                number: row.reply_number.map(MessageNumber),
                seq: Seq(row.last_seq),
                created_at: op.ending.at,
            });
            let ending = Ending { reply, ..op.ending.clone() };
            let change = ChangeColumns {
                last_seq: row.last_seq,
                message_count: row.message_count.into(),
                input_tokens: row.input_tokens,
                output_tokens: row.output_tokens,
                cost_nanos: row.cost_nanos,
                persona_id: row.persona_id,
                last_model: row.last_model,
                title: row.title,
                updated_at: op.ending.at,
            };
            closed.insert(row.turn, Ok((ending, change.after_end_of(op.turn))));
        }
        Ok(closed)
    }

    async fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<NotClosed>>, sqlx::Error> {
        let turns: Vec<Uuid> = left_out.iter().map(|op| op.turn.0).collect();
        let runners: Vec<Uuid> = left_out.iter().map(|op| op.runner.0).collect();
        let rows = sqlx::query_file!("queries/diagnose_finish.sql", turns.as_slice(), runners.as_slice())
            .fetch_all(connection)
            .await?;
        let rows = rows.into_iter().map(|row| {
            let diagnosis = match (row.is_ours, row.has_ended) {
                (false, _) => Diagnosis::Refused(NotClosed::Lost),
                (true, true) => Diagnosis::Refused(NotClosed::Ended),
                (true, false) => Diagnosis::Locked,
            };
            (row.turn, diagnosis)
        });
        Ok(rows.collect())
    }

    fn unknown() -> Result<NotClosed, DbError> {
        Ok(NotClosed::Lost)
    }

    fn contended() -> Result<NotClosed, DbError> {
        Err(DbError::unavailable("the conversation is locked"))
    }

    /// None is needed: a finish can be repeated.
    fn compensation(&self) -> Option<Finish> {
        None
    }

    fn bytes(&self) -> usize {
        self.reply.as_ref().map_or(0, |reply| reply.parts.len() + reply.lengths.len())
    }
}
