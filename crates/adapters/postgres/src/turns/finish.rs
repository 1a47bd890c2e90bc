//! Closes turns.

use std::collections::HashMap;

use domain::{
    ConversationChange, ConversationId, EndState, Ending, LedgerEntry, MessageId, MessageNumber, ModelName,
    NanoDollars, Reply, ReplyRef, RunnerId, Seq, Timestamp, Title, TurnId, Usage, message,
};
use ports::{Begin, Finish};
use sqlx::PgConnection;
use stored::{ChangeColumns, StoredEnd};
use uuid::Uuid;

use crate::error::DbError;
use crate::rows::{UsageColumns, count_to};
use crate::writer::{Diagnosis, Job, Order, Pending};

/// A turn to be closed.
#[derive(Debug)]
pub(crate) struct CloseTurn {
    turn: TurnId,
    conversation: ConversationId,
    /// The process that runs it.
    runner: RunnerId,
    /// The process that closes it: the same one, or the one that ends it in its place.
    closer: RunnerId,
    ending: Ending,
    reply: Option<ReplyToKeep>,
    title: Option<Title>,
    ledger: Option<LedgerEntry>,
}

#[derive(Debug)]
struct ReplyToKeep {
    id: MessageId,
    parts: String,
    lengths: Vec<u8>,
    token_count: i32,
}

/// Why a turn was not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotClosed {
    /// The same process closed it before.
    Ended,
    /// It is another process's, or there is none.
    Lost,
}

impl CloseTurn {
    pub(super) fn of(finish: Finish) -> Self {
        let Finish { turn, runner, conversation, ending, reply, title, ledger } = finish;
        let usage = ending.usage;
        let reply = reply.filter(|(_, reply)| reply.has_content());
        Self {
            turn,
            conversation,
            runner,
            closer: runner,
            ending: as_stored(&ending),
            reply: reply.map(|(id, reply)| ReplyToKeep::new(id, &reply, usage)),
            title,
            ledger,
        }
    }

    /// Ends the turn of a dead process with the text that it had kept.
    pub(super) fn interruption(
        turn: TurnId,
        conversation: ConversationId,
        dead: RunnerId,
        closer: RunnerId,
        kept: &Reply,
        at: Timestamp,
    ) -> Self {
        let output = domain::usage::estimate_tokens(kept.bytes());
        let usage = Usage { output: output.into(), estimated: true, ..Usage::default() };
        // A turn has one reply at most, so its id is free to name it.
        let id = MessageId(turn.0);
        Self {
            turn,
            conversation,
            runner: dead,
            closer,
            ending: interrupted(usage, at),
            reply: kept.has_content().then(|| ReplyToKeep::new(id, kept, usage)),
            title: None,
            ledger: None,
        }
    }

    /// Ends a turn that was perhaps opened, and that nobody runs.
    pub(super) fn unwanted(begin: &Begin, conversation: ConversationId) -> Self {
        Self {
            turn: begin.turn,
            conversation,
            runner: begin.runner,
            closer: begin.runner,
            ending: interrupted(Usage::default(), begin.at),
            reply: None,
            title: None,
            ledger: None,
        }
    }
}

fn interrupted(usage: Usage, at: Timestamp) -> Ending {
    Ending {
        state: EndState::Interrupted,
        reply: None,
        usage,
        cost: NanoDollars::default(),
        response_time_ms: 0,
        at,
    }
}

/// More than any call can cost, in nano-dollars. Sums of such costs stay within 64 bits.
const COST_AT_MOST: i64 = 100_000_000_000_000_000;

/// An ending in the words that come back from the database.
fn as_stored(ending: &Ending) -> Ending {
    let mut end = StoredEnd::from(&ending.state);
    // The provider's word; PostgreSQL takes all characters but this one.
    let reason = end.finish_reason.map(|reason| reason.replace('\0', ""));
    end.finish_reason = reason.as_deref();
    let state = EndState::try_from(end).unwrap_or_else(|_| ending.state.clone());
    let cost = NanoDollars(ending.cost.0.clamp(-COST_AT_MOST, COST_AT_MOST));
    Ending { state, cost, reply: None, ..ending.clone() }
}

impl ReplyToKeep {
    fn new(id: MessageId, reply: &Reply, usage: Usage) -> Self {
        let token_count = match usage.output {
            0 => count_to(message::token_count(reply.parts()), i32::MAX),
            counted => count_to(counted, i32::MAX),
        };
        Self {
            id,
            parts: stored::parts_to_json(reply.parts()),
            lengths: stored::lengths_to_bytes(reply.lengths()),
            token_count,
        }
    }
}

/// The finishes of a group, as columns.
#[derive(Default)]
struct Columns<'a> {
    turn: Vec<Uuid>,
    conversation: Vec<Uuid>,
    runner: Vec<Uuid>,
    closer: Vec<Uuid>,
    state: Vec<&'a str>,
    finish_reason: Vec<Option<&'a str>>,
    failure: Vec<Option<&'a str>>,
    retry_after_ms: Vec<Option<i64>>,
    usage: UsageVectors,
    cost: Vec<i64>,
    response_time_ms: Vec<i64>,
    at: Vec<Timestamp>,
    title: Vec<Option<&'a str>>,
    reply: Vec<Option<Uuid>>,
    parts: Vec<Option<&'a str>>,
    lengths: Vec<Option<&'a [u8]>>,
    token_count: Vec<Option<i32>>,
    ledger: LedgerColumns<'a>,
}

#[derive(Default)]
struct UsageVectors {
    input: Vec<i64>,
    cached: Vec<i64>,
    output: Vec<i64>,
    reasoning: Vec<i64>,
    estimated: Vec<bool>,
}

impl UsageVectors {
    fn push(&mut self, usage: Usage) {
        let UsageColumns { input, cached, output, reasoning, estimated } = usage.into();
        self.input.push(input);
        self.cached.push(cached);
        self.output.push(output);
        self.reasoning.push(reasoning);
        self.estimated.push(estimated);
    }
}

/// The ledger entries of a group; turns without a model call have none.
#[derive(Default)]
struct LedgerColumns<'a> {
    closed_turn: Vec<Uuid>,
    user: Vec<i64>,
    conversation: Vec<Option<Uuid>>,
    turn: Vec<Option<Uuid>>,
    purpose: Vec<&'a str>,
    provider: Vec<&'a str>,
    model: Vec<&'a str>,
    usage: UsageVectors,
    cost: Vec<i64>,
    at: Vec<Timestamp>,
}

impl<'a> Columns<'a> {
    fn of(group: &[&'a CloseTurn]) -> Self {
        let mut columns = Self::default();
        for order in group {
            let end = StoredEnd::from(&order.ending.state);
            columns.turn.push(order.turn.0);
            columns.conversation.push(order.conversation.0);
            columns.runner.push(order.runner.0);
            columns.closer.push(order.closer.0);
            columns.state.push(end.state);
            columns.finish_reason.push(end.finish_reason);
            columns.failure.push(end.failure);
            columns.retry_after_ms.push(end.retry_after_ms);
            columns.usage.push(order.ending.usage);
            columns.cost.push(order.ending.cost.0);
            columns.response_time_ms.push(order.ending.response_time_ms.into());
            columns.at.push(order.ending.at);
            columns.title.push(order.title.as_ref().map(Title::as_str));
            let reply = order.reply.as_ref();
            columns.reply.push(reply.map(|reply| reply.id.0));
            columns.parts.push(reply.map(|reply| reply.parts.as_str()));
            columns.lengths.push(reply.map(|reply| reply.lengths.as_slice()));
            columns.token_count.push(reply.map(|reply| reply.token_count));
            if let Some(entry) = &order.ledger {
                columns.ledger.push(order.turn, entry);
            }
        }
        columns
    }
}

impl<'a> LedgerColumns<'a> {
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
        self.cost.push(cost.0);
        self.at.push(*at);
    }
}

impl Order for CloseTurn {
    type Done = Box<(Ending, ConversationChange)>;
    type Refusal = NotClosed;

    const OUTLIVES_ITS_CALLER: bool = true;

    fn turn(&self) -> Uuid {
        self.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.conversation.0
    }

    async fn carry_out(
        connection: &mut PgConnection,
        group: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Self::Done, DbError>>, sqlx::Error> {
        let columns = Columns::of(group);
        let ledger = &columns.ledger;
        let rows = sqlx::query_file!(
            "queries/finish.sql",
            columns.turn.as_slice(),
            columns.conversation.as_slice(),
            columns.runner.as_slice(),
            columns.closer.as_slice(),
            columns.state.as_slice() as _,
            columns.finish_reason.as_slice() as _,
            columns.failure.as_slice() as _,
            columns.retry_after_ms.as_slice() as _,
            columns.usage.input.as_slice(),
            columns.usage.cached.as_slice(),
            columns.usage.output.as_slice(),
            columns.usage.reasoning.as_slice(),
            columns.usage.estimated.as_slice(),
            columns.cost.as_slice(),
            columns.response_time_ms.as_slice(),
            columns.at.as_slice(),
            columns.title.as_slice() as _,
            columns.reply.as_slice() as _,
            columns.parts.as_slice() as _,
            columns.lengths.as_slice() as _,
            columns.token_count.as_slice() as _,
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
        let orders: HashMap<Uuid, &Self> = group.iter().map(|order| (order.turn.0, *order)).collect();
        let mut closed = HashMap::with_capacity(rows.len());
        for row in rows {
            let Some(order) = orders.get(&row.turn) else { continue };
            let reply = order.reply.as_ref().map(|reply| ReplyRef {
                id: reply.id,
                number: row.reply_number.map(MessageNumber),
                seq: Seq(row.last_seq),
                created_at: order.ending.at,
            });
            let ending = Ending { reply, ..order.ending.clone() };
            let change = ChangeColumns {
                last_seq: row.last_seq,
                message_count: row.message_count.into(),
                input_tokens: row.input_tokens,
                output_tokens: row.output_tokens,
                cost_nanos: row.cost_nanos,
                persona_id: row.persona_id,
                last_model: row.last_model,
                title: row.title,
                updated_at: order.ending.at,
            };
            let change = ConversationChange::try_from(change);
            closed.insert(row.turn, change.map(|change| Box::new((ending, change))).map_err(DbError::from));
        }
        Ok(closed)
    }

    async fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<NotClosed>>, sqlx::Error> {
        let turns: Vec<Uuid> = left_out.iter().map(|order| order.turn.0).collect();
        let runners: Vec<Uuid> = left_out.iter().map(|order| order.runner.0).collect();
        let rows = sqlx::query_file!("queries/diagnose_finish.sql", turns.as_slice(), runners.as_slice())
            .fetch_all(connection)
            .await?;
        let rows = rows.into_iter().map(|row| {
            let diagnosis = match (row.is_ours, row.has_ended) {
                (false, _) => Diagnosis::Refused(NotClosed::Lost),
                (true, true) => Diagnosis::Refused(NotClosed::Ended),
                (true, false) => Diagnosis::Again,
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

    /// It can be repeated.
    fn undo(&self) -> Option<CloseTurn> {
        None
    }

    fn bytes(&self) -> usize {
        self.reply.as_ref().map_or(0, |reply| reply.parts.len() + reply.lengths.len())
    }

    fn into_job(pending: Pending<Self>) -> Job {
        Job::Finish(pending)
    }
}
