//! Closes turns, any number in one transaction.

use std::collections::HashMap;

use domain::{
    Conversation, ConversationId, EndState, Ending, MessageId, MessageNumber, Reply, ReplyRef, Role, Seq,
    TurnId, message,
};
use ports::{Finish, Finished};
use serde::Serialize;
use sqlx::SqliteConnection;
use stored::StoredEnd;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::conversations::rows_of;
use crate::error::Fault;
use crate::ledger::{self, EntryToKeep};
use crate::rows::{ConversationRow, model_name};
use crate::turns::messages::{self, MessageToAppend};
use crate::turns::record;
use crate::values::{UsageToKeep, count_to, hex, json_of, micros};

/// What is read of a turn before it is closed.
struct OpenTurn {
    id: Uuid,
    conversation_id: Uuid,
    runner: Uuid,
    state: String,
    question_seq: i64,
    model: String,
}

/// Closes turns; each finish gets its own answer, in order.
pub(crate) async fn close_all(
    connection: &mut SqliteConnection,
    finishes: &[&Finish],
) -> Result<Vec<Result<Finished, Fault>>, Fault> {
    let turns = find_turns(connection, finishes).await?;
    let ids: Vec<ConversationId> = turns.values().map(|turn| ConversationId(turn.conversation_id)).collect();
    let found = rows_of(connection, &ids).await?;

    let mut writes = Writes::default();
    let mut decisions = Vec::with_capacity(finishes.len());
    for finish in finishes {
        decisions.push(decide(finish, &turns, &found, &mut writes));
    }
    let numbers = writes.write(connection).await?;

    let mut answers = Vec::with_capacity(decisions.len());
    for (finish, decision) in finishes.iter().zip(decisions) {
        answers.push(match decision {
            Err(fault) => Err(fault),
            Ok(Decision::Lost) => Ok(Finished::Lost),
            Ok(Decision::Close { mut ending, conversation }) => {
                number(&mut ending, &numbers);
                Ok(Finished::Done { ending: *ending, conversation })
            }
            // Also for one that was closed a moment ago, by a finish of this group: it is read as it is written now.
            Ok(Decision::Repeat) => repeated(connection, finish.turn).await,
        });
    }
    Ok(answers)
}

enum Decision {
    Lost,
    Repeat,
    Close { ending: Box<Ending>, conversation: Box<Conversation> },
}

fn decide(
    finish: &Finish,
    turns: &HashMap<Uuid, OpenTurn>,
    found: &HashMap<ConversationId, ConversationRow>,
    writes: &mut Writes,
) -> Result<Decision, Fault> {
    let Some(turn) = turns.get(&finish.turn.0).filter(|turn| turn.runner == finish.runner.0) else {
        return Ok(Decision::Lost);
    };
    let closed_in_this_group = writes.turns.iter().any(|closed| closed.id == finish.turn.0.simple());
    if turn.state != "running" || closed_in_this_group {
        return Ok(Decision::Repeat);
    }
    let id = ConversationId(turn.conversation_id);
    let Some(row) = found.get(&id).filter(|row| row.running_turn == Some(turn.id)) else {
        return Ok(Decision::Lost);
    };
    let head = Seq(row.head_seq);
    let conversation = Conversation::try_from(row.clone())?;
    let (ending, conversation) = writes.close(finish, turn, conversation, head)?;
    Ok(Decision::Close { ending: Box::new(ending), conversation: Box::new(conversation) })
}

async fn find_turns(
    connection: &mut SqliteConnection,
    finishes: &[&Finish],
) -> Result<HashMap<Uuid, OpenTurn>, Fault> {
    let ids: Vec<Simple> = finishes.iter().map(|finish| finish.turn.0.simple()).collect();
    let ids = json_of(&ids)?;
    let turns = sqlx::query_as!(
        OpenTurn,
        r#"SELECT id AS "id: Uuid", conversation_id AS "conversation_id: Uuid", runner AS "runner: Uuid", state,
             question_seq, model
           FROM turns WHERE id IN (SELECT unhex(value) FROM json_each(?1))"#,
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
        reply.number = *number;
    }
}

async fn repeated(connection: &mut SqliteConnection, turn: TurnId) -> Result<Finished, Fault> {
    let Some((conversation, ending)) = record::ended(connection, turn).await? else {
        return Ok(Finished::Lost);
    };
    let Some(row) = rows_of(connection, &[conversation]).await?.remove(&conversation) else {
        return Ok(Finished::Lost);
    };
    Ok(Finished::Done { ending, conversation: Box::new(row.try_into()?) })
}

/// What all turns of a group write as they close.
#[derive(Default)]
struct Writes {
    replies: Vec<MessageToAppend>,
    turns: Vec<TurnToClose>,
    conversations: Vec<Unlock>,
    ledger: Vec<EntryToKeep>,
}

#[derive(Serialize)]
struct TurnToClose {
    id: Simple,
    state: String,
    reply: Option<i64>,
    finish_reason: Option<String>,
    failure: Option<String>,
    retry_after_ms: Option<i64>,
    usage: UsageToKeep,
    cost: i64,
    response_time_ms: u32,
    at: i64,
}

#[derive(Serialize)]
struct Unlock {
    id: Simple,
    last_seq: i64,
    head_seq: i64,
    message_count: u32,
    input: i64,
    output: i64,
    cost: i64,
    last_model: Option<String>,
    title: Option<String>,
    at: i64,
}

impl Writes {
    /// Notes what closing a turn writes; answers the ending and the conversation after it.
    fn close(
        &mut self,
        finish: &Finish,
        turn: &OpenTurn,
        mut conversation: Conversation,
        mut head: Seq,
    ) -> Result<(Ending, Conversation), Fault> {
        let mut ending = Ending { reply: None, ..finish.ending.clone() };
        if let Some((id, reply)) = finish.reply.as_ref().filter(|(_, reply)| reply.says_something()) {
            let seq = Seq(conversation.last_seq.0 + 1);
            self.replies.push(reply_row(finish, turn, *id, reply, seq));
            ending.reply =
                Some(ReplyRef { id: *id, number: MessageNumber(0), seq, created_at: finish.ending.at });
            conversation.last_seq = seq;
            conversation.message_count = conversation.message_count.saturating_add(1);
            conversation.last_model = Some(model_name(&turn.model)?);
            head = seq;
        }
        conversation.running = None;
        conversation.updated_at = ending.at;
        conversation.title = conversation.title.or_else(|| finish.title.clone());
        conversation.totals.input = conversation.totals.input.saturating_add(ending.usage.input);
        conversation.totals.output = conversation.totals.output.saturating_add(ending.usage.output);
        conversation.totals.cost += ending.cost;

        self.turns.push(TurnToClose::new(finish.turn, &ending));
        self.conversations.push(Unlock::new(&conversation, head));
        self.ledger.extend(finish.ledger.as_ref().map(EntryToKeep::from));
        Ok((ending, conversation))
    }

    /// Writes, and answers the numbers of the replies.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<MessageId, MessageNumber>, Fault> {
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
        ledger::enter(connection, &self.ledger).await?;
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

fn reply_row(finish: &Finish, turn: &OpenTurn, id: MessageId, reply: &Reply, seq: Seq) -> MessageToAppend {
    let counted = u32::try_from(finish.ending.usage.output).unwrap_or(u32::MAX);
    let token_count = if counted > 0 { counted } else { message::token_count(reply.parts()) };
    MessageToAppend {
        id: id.0.simple(),
        conversation: turn.conversation_id.simple(),
        seq: seq.0,
        parent: (turn.question_seq > 0).then_some(turn.question_seq),
        turn: finish.turn.0.simple(),
        role: Role::Assistant.as_str(),
        state: finish.ending.state.of_message().as_str(),
        token_count,
        at: micros(finish.ending.at),
        lengths: Some(hex(&stored::lengths_to_bytes(reply.lengths()))),
        parts: stored::parts_to_json(reply.parts()),
    }
}

impl TurnToClose {
    fn new(turn: TurnId, ending: &Ending) -> Self {
        let end = StoredEnd::from(&ending.state as &EndState);
        Self {
            id: turn.0.simple(),
            state: end.state.to_owned(),
            reply: ending.reply.map(|reply| reply.seq.0),
            finish_reason: end.finish_reason.map(str::to_owned),
            failure: end.failure.map(str::to_owned),
            retry_after_ms: end.retry_after_ms,
            usage: (&ending.usage).into(),
            cost: ending.cost.0,
            response_time_ms: ending.response_time_ms,
            at: micros(ending.at),
        }
    }
}

impl Unlock {
    fn new(conversation: &Conversation, head: Seq) -> Self {
        Self {
            id: conversation.id.0.simple(),
            last_seq: conversation.last_seq.0,
            head_seq: head.0,
            message_count: conversation.message_count,
            input: count_to(conversation.totals.input),
            output: count_to(conversation.totals.output),
            cost: conversation.totals.cost.0,
            last_model: conversation.last_model.as_ref().map(ToString::to_string),
            title: conversation.title.as_ref().map(ToString::to_string),
            at: micros(conversation.updated_at),
        }
    }
}
