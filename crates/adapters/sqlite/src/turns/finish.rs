//! Closes turns, any number in one transaction.

use std::collections::HashMap;

use domain::{
    ConversationId, Ending, LedgerEntry, MessageId, MessageNumber, ReplyRef, Role, RunnerId, Seq, Timestamp,
    Title, TurnId,
};
use ports::{Finish, Finished};
use serde::Serialize;
use sqlx::SqliteConnection;
use stored::{ChangeColumns, ReplyToAppend, StoredEnd, UsageColumns};
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::error::DbError;
use crate::ledger::{self, LedgerRow};
use crate::turns::messages::{self, Hex, MessageRow};
use crate::turns::record;
use crate::values::{json_of, micros};

/// A turn to be closed, with its reply as it is stored.
#[derive(Debug)]
pub(crate) struct PreparedFinish {
    turn: TurnId,
    runner: RunnerId,
    ending: Ending,
    reply: Option<ReplyToAppend>,
    title: Option<Title>,
    ledger: Option<LedgerEntry>,
}

impl From<Finish> for PreparedFinish {
    fn from(finish: Finish) -> Self {
        let Finish { turn, runner, conversation: _, ending, reply, title, ledger } = finish;
        let ending = Ending { reply: None, ..ending.storable() };
        let reply = reply.and_then(|(id, reply)| ReplyToAppend::of(id, &reply, ending.usage));
        Self { turn, runner, ending, reply, title, ledger }
    }
}

/// A turn before it is closed, with the columns of its conversation that closing it changes.
struct OpenTurn {
    id: Uuid,
    conversation_id: Uuid,
    runner: Uuid,
    state: String,
    question_seq: i64,
    model: String,
    running_turn: Option<Uuid>,
    last_seq: i64,
    head_seq: i64,
    message_count: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_nanos: i64,
    persona_id: Option<i64>,
    last_model: Option<String>,
    title: Option<String>,
}

/// Closes turns. Each finish gets its own result, in order.
pub(crate) async fn close_all(
    connection: &mut SqliteConnection,
    finishes: &[&PreparedFinish],
) -> Result<Vec<Result<Finished, DbError>>, DbError> {
    let turns = find_turns(connection, finishes).await?;
    let mut writes = Writes::default();
    let decisions: Vec<Decision> =
        finishes.iter().map(|finish| decide(finish, &turns, &mut writes)).collect();
    let numbers = writes.write(connection).await?;

    let mut results = Vec::with_capacity(decisions.len());
    for (finish, decision) in finishes.iter().zip(decisions) {
        results.push(match decision {
            Decision::Lost => Ok(Finished::Lost),
            Decision::Close(closed) => {
                let (mut ending, change) = *closed;
                number(&mut ending, &numbers);
                Ok(Finished::Done { ending, change: change.after_end_of(finish.turn) })
            }
            // Also for a turn that an earlier finish of this group has just closed: it is read as written now.
            Decision::Repeat => repeated(connection, finish.turn).await,
        });
    }
    Ok(results)
}

enum Decision {
    /// Another process has the turn, or it is gone.
    Lost,
    /// It was closed before; the result is read from the tables.
    Repeat,
    /// It is closed now.
    Close(Box<(Ending, ChangeColumns<Timestamp>)>),
}

fn decide<'a>(
    finish: &'a PreparedFinish,
    turns: &HashMap<Uuid, OpenTurn>,
    writes: &mut Writes<'a>,
) -> Decision {
    let Some(turn) = turns.get(&finish.turn.0).filter(|turn| turn.runner == finish.runner.0) else {
        return Decision::Lost;
    };
    let closed_in_this_group = writes.turns.iter().any(|closed| closed.id == finish.turn.0.simple());
    if turn.state != "running" || closed_in_this_group {
        return Decision::Repeat;
    }
    if turn.running_turn != Some(turn.id) {
        return Decision::Lost;
    }
    Decision::Close(Box::new(writes.close(finish, turn)))
}

async fn find_turns(
    connection: &mut SqliteConnection,
    finishes: &[&PreparedFinish],
) -> Result<HashMap<Uuid, OpenTurn>, DbError> {
    let ids: Vec<Simple> = finishes.iter().map(|finish| finish.turn.0.simple()).collect();
    let ids = json_of(&ids)?;
    let turns = sqlx::query_as!(
        OpenTurn,
        r#"SELECT t.id AS "id: Uuid", t.conversation_id AS "conversation_id: Uuid", t.runner AS "runner: Uuid", t.state,
             t.question_seq, t.model, c.running_turn AS "running_turn: Uuid", c.last_seq, c.head_seq, c.message_count,
             c.input_tokens, c.output_tokens, c.cost_nanos, c.persona_id, c.last_model, c.title
           FROM turns t JOIN conversations c ON c.id = t.conversation_id
           WHERE t.id IN (SELECT unhex(value) FROM json_each(?1))"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(turns.into_iter().map(|turn| (turn.id, turn)).collect())
}

fn number(ending: &mut Ending, numbers: &HashMap<MessageId, MessageNumber>) {
    if let Some(reply) = &mut ending.reply
        && let Some(number) = numbers.get(&reply.id)
    {
        reply.number = Some(*number);
    }
}

async fn repeated(connection: &mut SqliteConnection, turn: TurnId) -> Result<Finished, DbError> {
    let Some((conversation, ending)) = record::ended(&mut *connection, turn).await? else {
        return Ok(Finished::Lost);
    };
    let change = change_of(connection, conversation).await?;
    Ok(Finished::Done { ending, change: change.after_end_of(turn) })
}

async fn change_of(
    connection: &mut SqliteConnection,
    conversation: ConversationId,
) -> Result<ChangeColumns<i64>, DbError> {
    let row = sqlx::query_as!(
        ChangeColumns::<i64>,
        "SELECT last_seq, message_count, input_tokens, output_tokens, cost_nanos, persona_id, last_model, title,
           updated_at
         FROM conversations WHERE id = ?1",
        conversation.0,
    )
    .fetch_one(connection)
    .await?;
    Ok(row)
}

/// The rows that the accepted finishes of a group write.
#[derive(Default)]
struct Writes<'a> {
    replies: Vec<MessageRow<'a>>,
    turns: Vec<TurnToClose<'a>>,
    conversations: Vec<Unlock>,
    ledger: Vec<LedgerRow>,
}

/// The end of a turn, as columns.
#[derive(Serialize)]
struct TurnToClose<'a> {
    id: Simple,
    #[serde(flatten)]
    end: StoredEnd<'a>,
    reply: Option<i64>,
    usage: UsageColumns,
    cost: i64,
    response_time_ms: u32,
    at: i64,
}

/// A conversation that no longer has a running turn.
#[derive(Serialize)]
struct Unlock {
    id: Simple,
    last_seq: i64,
    head_seq: i64,
    message_count: i64,
    input: i64,
    output: i64,
    cost: i64,
    last_model: Option<String>,
    title: Option<String>,
    at: i64,
}

impl<'a> Writes<'a> {
    /// Notes what closing a turn writes. Returns the ending, and the conversation after it.
    fn close(&mut self, finish: &'a PreparedFinish, turn: &OpenTurn) -> (Ending, ChangeColumns<Timestamp>) {
        let mut ending = finish.ending.clone();
        let usage = UsageColumns::from(ending.usage);
        let mut head = turn.head_seq;
        let mut change = ChangeColumns {
            last_seq: turn.last_seq,
            message_count: turn.message_count,
            input_tokens: turn.input_tokens.saturating_add(usage.input),
            output_tokens: turn.output_tokens.saturating_add(usage.output),
            cost_nanos: turn.cost_nanos.saturating_add(ending.cost.0),
            persona_id: turn.persona_id,
            last_model: turn.last_model.clone(),
            title: turn.title.clone().or_else(|| finish.title.as_ref().map(ToString::to_string)),
            updated_at: ending.at,
        };
        if let Some(reply) = &finish.reply {
            head = turn.last_seq + 1;
            change.last_seq = head;
            change.message_count += 1;
            change.last_model = Some(turn.model.clone());
            self.replies.push(reply_row(finish, turn, reply, head));
            ending.reply =
                Some(ReplyRef { id: reply.id, number: None, seq: Seq(head), created_at: finish.ending.at });
        }
        self.turns.push(TurnToClose {
            id: finish.turn.0.simple(),
            end: StoredEnd::from(&finish.ending.state),
            reply: ending.reply.map(|reply| reply.seq.0),
            usage,
            cost: ending.cost.0,
            response_time_ms: ending.response_time_ms,
            at: micros(ending.at),
        });
        self.conversations.push(Unlock::new(turn.conversation_id, head, &change));
        self.ledger.extend(finish.ledger.as_ref().map(LedgerRow::from));
        (ending, change)
    }

    /// Writes, and returns the numbers of the replies.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<MessageId, MessageNumber>, DbError> {
        if self.turns.is_empty() {
            return Ok(HashMap::new());
        }
        let numbers = messages::append(connection, &self.replies).await?;
        let turns = json_of(&self.turns)?;
        sqlx::query!(
            "UPDATE turns SET state = j.value->>'state', reply_seq = j.value->>'reply',
               finished_at = j.value->>'at', finish_reason = j.value->>'finish_reason',
               failure = j.value->>'failure', retry_after_ms = j.value->>'retry_after_ms',
               input_tokens = j.value->>'$.usage.input', cached_tokens = j.value->>'$.usage.cached',
               output_tokens = j.value->>'$.usage.output', reasoning_tokens = j.value->>'$.usage.reasoning',
               usage_estimated = j.value->>'$.usage.estimated', cost_nanos = j.value->>'cost',
               response_time_ms = j.value->>'response_time_ms'
             FROM json_each(?1) AS j WHERE turns.id = unhex(j.value->>'id')",
            turns,
        )
        .execute(&mut *connection)
        .await?;
        let conversations = json_of(&self.conversations)?;
        sqlx::query!(
            "UPDATE conversations SET running_turn = NULL, last_seq = j.value->>'last_seq',
               head_seq = j.value->>'head_seq', message_count = j.value->>'message_count',
               input_tokens = j.value->>'input', output_tokens = j.value->>'output',
               cost_nanos = j.value->>'cost', last_model = j.value->>'last_model',
               title = j.value->>'title', updated_at = j.value->>'at'
             FROM json_each(?1) AS j WHERE conversations.id = unhex(j.value->>'id')",
            conversations,
        )
        .execute(&mut *connection)
        .await?;
        ledger::append_all(connection, &self.ledger).await?;
        sqlx::query!(
            "DELETE FROM turn_chunks WHERE turn_id IN
               (SELECT unhex(j.value->>'id') FROM json_each(?1) AS j)",
            turns,
        )
        .execute(&mut *connection)
        .await?;
        Ok(numbers)
    }
}

fn reply_row<'a>(
    finish: &PreparedFinish,
    turn: &OpenTurn,
    reply: &'a ReplyToAppend,
    seq: i64,
) -> MessageRow<'a> {
    MessageRow {
        id: reply.id.0.simple(),
        conversation: turn.conversation_id.simple(),
        seq,
        parent: (turn.question_seq > 0).then_some(turn.question_seq),
        turn: finish.turn.0.simple(),
        role: Role::Assistant.as_str(),
        state: finish.ending.state.message_state().as_str(),
        token_count: reply.token_count,
        at: micros(finish.ending.at),
        lengths: Some(Hex(&reply.lengths)),
        parts: &reply.parts,
    }
}

impl Unlock {
    fn new(id: Uuid, head: i64, change: &ChangeColumns<Timestamp>) -> Self {
        Self {
            id: id.simple(),
            last_seq: change.last_seq,
            head_seq: head,
            message_count: change.message_count,
            input: change.input_tokens,
            output: change.output_tokens,
            cost: change.cost_nanos,
            last_model: change.last_model.clone(),
            title: change.title.clone(),
            at: micros(change.updated_at),
        }
    }
}
