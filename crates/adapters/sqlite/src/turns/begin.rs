//! Opens turns, any number in one transaction.
//!
//! The writer is alone, so it reads the conversations, decides in the order of the queue, and writes for all winners
//! at once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{
    Conversation, ConversationId, MessageId, MessageNumber, MessageState, ModelName, Persona, PersonaId, Seq,
    TurnId,
};
use ports::{AppendedMessage, Begin, BeginError, Target};
use serde::Serialize;
use sqlx::SqliteConnection;
use uuid::fmt::Simple;

use crate::conversations::insert::{self, ConversationToInsert};
use crate::conversations::rows_of;
use crate::error::DbError;
use crate::rows::{ConversationRow, PersonaRow};
use crate::runners;
use crate::turns::interrupt::{self, TakeOver};
use crate::turns::messages::{self, MessageToAppend};
use crate::values::{json_of, micros};

/// When to try again while a turn runs.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An open turn, all but its window.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) conversation: Conversation,
    pub(crate) persona: Option<Persona>,
    pub(crate) question: Seq,
    pub(crate) appended: Vec<AppendedMessage>,
    pub(crate) model: ModelName,
    /// The window holds messages before this place.
    pub(crate) window_end: Seq,
    pub(crate) has_files: bool,
}

/// A turn to be opened, with the conversation that its target names.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) begin: Begin,
    pub(crate) conversation: ConversationId,
}

/// Opens turns; each gets its own answer, in order.
pub(crate) async fn open_all(
    connection: &mut SqliteConnection,
    openings: &[&Opening],
) -> Result<Vec<Result<Opened, BeginError>>, DbError> {
    let found = find_targets(connection, openings).await?;
    let mut writes = Writes::default();
    let mut answers: Vec<_> = openings.iter().map(|opening| decide(opening, &found, &mut writes)).collect();

    let numbers = insert::insert_all(connection, &writes.conversations).await?;
    let message_numbers = writes.write(connection).await?;
    let personas = personas_of(connection, &answers).await?;
    for opened in answers.iter_mut().flatten() {
        for message in &mut opened.appended {
            message.number = message_numbers.get(&message.id).copied();
        }
        if let Some(number) = numbers.get(&opened.conversation.id) {
            opened.conversation.number = *number;
        }
        opened.persona = opened.conversation.persona.and_then(|persona| personas.get(&persona).cloned());
        opened.has_files = found.get(&opened.conversation.id).is_some_and(|row| row.files > 0);
    }
    Ok(answers)
}

/// The conversations that exist, after the turns of dead processes in them have been ended.
async fn find_targets(
    connection: &mut SqliteConnection,
    openings: &[&Opening],
) -> Result<HashMap<ConversationId, ConversationRow>, DbError> {
    let targets = openings.iter().filter_map(|opening| match opening.begin.target {
        Target::Existing { .. } => Some((opening.conversation, &opening.begin)),
        Target::New(_) => None,
    });
    let targets: Vec<(ConversationId, &Begin)> = targets.collect();
    let ids: Vec<ConversationId> = targets.iter().map(|(id, _)| *id).collect();
    let mut found = rows_of(connection, &ids).await?;

    let busy: Vec<TurnId> = found.values().filter_map(|row| row.running_turn.map(TurnId)).collect();
    let dead = runners::turns_of_the_dead(connection, &busy).await?;
    let mut take_overs: Vec<TakeOver> = Vec::new();
    for (id, begin) in &targets {
        let Some(row) = found.get(id) else { continue };
        let is_callers = row.owner == begin.caller.0 && row.deleted_at.is_none();
        let abandoned = row.running_turn.map(TurnId).filter(|turn| {
            // A process that asks is alive, however late its renewal.
            dead.get(turn).is_some_and(|runner| *runner != begin.runner)
        });
        let is_noted = |turn: &TurnId| take_overs.iter().any(|take_over| take_over.turn == *turn);
        if let Some(turn) = abandoned.filter(|turn| is_callers && !is_noted(turn)) {
            take_overs.push(TakeOver { turn, runner: begin.runner, at: begin.at });
        }
    }
    if !take_overs.is_empty() {
        interrupt::interrupt_all(connection, &take_overs).await?;
        found = rows_of(connection, &ids).await?;
    }
    Ok(found)
}

/// What all winners of a group write.
#[derive(Default)]
struct Writes {
    conversations: Vec<ConversationToInsert>,
    locks: Vec<Lock>,
    branches: Vec<Cut>,
    messages: Vec<MessageToAppend>,
    turns: Vec<TurnToOpen>,
    /// Conversations that a begin of this group has locked.
    locked: HashSet<ConversationId>,
}

#[derive(Serialize)]
struct Lock {
    conversation: Simple,
    turn: Simple,
    last_seq: i64,
    head_seq: i64,
    model: Option<String>,
    at: i64,
}

#[derive(Serialize)]
struct Cut {
    conversation: Simple,
    keep_to: i64,
}

#[derive(Serialize)]
struct TurnToOpen {
    id: Simple,
    conversation: Simple,
    owner: i64,
    runner: Simple,
    contract: &'static str,
    model: String,
    question: i64,
    at: i64,
}

/// Refuses a begin, or notes what it writes.
fn decide(
    opening: &Opening,
    found: &HashMap<ConversationId, ConversationRow>,
    writes: &mut Writes,
) -> Result<Opened, BeginError> {
    let Opening { begin, conversation: id } = opening;
    let (conversation, head, is_new) = match &begin.target {
        Target::New(new) => (insert::unnumbered((**new).clone()), Seq(0), true),
        Target::Existing { only_with_persona, .. } => {
            let is_there = |row: &&ConversationRow| {
                row.deleted_at.is_none() && (row.persona_id.is_some() || !only_with_persona)
            };
            let row = found.get(id).filter(is_there).ok_or(BeginError::NotFound)?;
            if row.owner != begin.caller.0 {
                return Err(BeginError::Foreign);
            }
            if row.running_turn.is_some() || writes.locked.contains(id) {
                return Err(BeginError::Busy { retry_after: RETRY_AFTER });
            }
            if begin.branch.is_some_and(|branch| branch.expect_last.0 != row.last_seq) {
                return Err(BeginError::Moved);
            }
            let head = Seq(row.head_seq);
            (Conversation::try_from(row.clone())?, head, false)
        }
    };
    Ok(writes.open(begin, conversation, head, is_new))
}

impl Writes {
    fn open(&mut self, begin: &Begin, mut conversation: Conversation, head: Seq, is_new: bool) -> Opened {
        let at = micros(begin.at);
        let base = begin.branch.map_or(head, |branch| branch.keep_to);
        let first = Seq(conversation.last_seq.0 + 1);
        let question = self.append(begin, conversation.id, base, first);
        let window_end = if begin.messages.is_empty() { question } else { first };

        conversation.last_seq = if begin.messages.is_empty() { conversation.last_seq } else { question };
        conversation.running = Some(begin.turn);
        conversation.updated_at = begin.at;
        conversation.model = conversation.model.or_else(|| begin.own_model.clone());
        let model =
            begin.model.as_ref().or(conversation.model.as_ref()).unwrap_or(&begin.default_model).clone();

        self.locked.insert(conversation.id);
        if is_new {
            self.conversations.push(ConversationToInsert::new(&conversation, question));
        } else {
            self.locks.push(Lock {
                conversation: conversation.id.0.simple(),
                turn: begin.turn.0.simple(),
                last_seq: conversation.last_seq.0,
                head_seq: question.0,
                model: conversation.model.as_ref().map(ToString::to_string),
                at,
            });
        }
        if let Some(branch) = begin.branch {
            self.branches.push(Cut { conversation: conversation.id.0.simple(), keep_to: branch.keep_to.0 });
        }
        self.turns.push(TurnToOpen {
            id: begin.turn.0.simple(),
            conversation: conversation.id.0.simple(),
            owner: conversation.owner.0,
            runner: begin.runner.0.simple(),
            contract: stored::contract_name(begin.contract),
            model: model.to_string(),
            question: question.0,
            at,
        });
        let appended = (first.0..).zip(&begin.messages);
        let appended =
            appended.map(|(seq, message)| AppendedMessage { id: message.id, seq: Seq(seq), number: None });
        let appended = appended.collect();
        Opened { conversation, persona: None, question, appended, model, window_end, has_files: false }
    }

    /// Chains the messages of a begin to the active path; answers the place of the last one.
    fn append(&mut self, begin: &Begin, conversation: ConversationId, base: Seq, first: Seq) -> Seq {
        let mut parent = base;
        for (seq, message) in (first.0..).zip(&begin.messages) {
            self.messages.push(MessageToAppend {
                id: message.id.0.simple(),
                conversation: conversation.0.simple(),
                seq,
                parent: (parent.0 > 0).then_some(parent.0),
                turn: begin.turn.0.simple(),
                role: message.role.as_str(),
                state: MessageState::Completed.as_str(),
                token_count: message.token_count(),
                at: micros(begin.at),
                lengths: None,
                parts: stored::parts_to_json(&message.parts),
            });
            parent = Seq(seq);
        }
        parent
    }

    /// Writes all but the new conversations, which stand already; answers the numbers of the messages.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<MessageId, MessageNumber>, DbError> {
        if !self.locks.is_empty() {
            let locks = json_of(&self.locks)?;
            sqlx::query!(
                "UPDATE conversations SET running_turn = unhex(j.value->>'turn'),
                   last_seq = j.value->>'last_seq', head_seq = j.value->>'head_seq',
                   model = j.value->>'model', updated_at = j.value->>'at'
                 FROM json_each(?1) AS j WHERE conversations.id = unhex(j.value->>'conversation')",
                locks,
            )
            .execute(&mut *connection)
            .await?;
        }
        if !self.branches.is_empty() {
            let branches = json_of(&self.branches)?;
            sqlx::query!(
                "UPDATE messages SET active = 0
                 FROM json_each(?1) AS j
                 WHERE messages.conversation_id = unhex(j.value->>'conversation')
                   AND messages.seq > (j.value->>'keep_to') AND messages.active = 1",
                branches,
            )
            .execute(&mut *connection)
            .await?;
        }
        let numbers = messages::append(connection, &self.messages).await?;
        if !self.turns.is_empty() {
            let turns = json_of(&self.turns)?;
            sqlx::query!(
                "INSERT INTO turns
                   (id, conversation_id, owner, runner, contract, model, state, question_seq, started_at)
                 SELECT unhex(j.value->>'id'), unhex(j.value->>'conversation'), j.value->>'owner',
                   unhex(j.value->>'runner'), j.value->>'contract', j.value->>'model', 'running',
                   j.value->>'question', j.value->>'at'
                 FROM json_each(?1) AS j",
                turns,
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(numbers)
    }
}

async fn personas_of(
    connection: &mut SqliteConnection,
    answers: &[Result<Opened, BeginError>],
) -> Result<HashMap<PersonaId, Persona>, DbError> {
    let ids: Vec<i64> =
        answers.iter().flatten().filter_map(|opened| opened.conversation.persona).map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids = json_of(&ids)?;
    let rows = sqlx::query_as!(
        PersonaRow,
        r#"SELECT id AS "id!", name, description, relation_type FROM personas
           WHERE id IN (SELECT value FROM json_each(?1))"#,
        ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Persona::from).map(|persona| (persona.id, persona)).collect())
}
