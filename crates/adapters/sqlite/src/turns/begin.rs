//! Opens turns, any number in one transaction.
//!
//! There is one writer, so it reads the conversations, decides in the order of the queue, and writes all new turns
//! together.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::{
    Conversation, ConversationId, MessageId, MessageNumber, MessageState, Persona, PersonaId, Seq, TurnId,
};
use ports::{AppendedMessage, Begin, BeginError, Begun, Target, Window};
use serde::Serialize;
use sqlx::SqliteConnection;
use stored::MessageToAppend;
use uuid::Uuid;
use uuid::fmt::Simple;

use crate::conversations::insert::{self, ConversationToInsert};
use crate::conversations::rows_of;
use crate::error::DbError;
use crate::rows::{ConversationRow, PersonaRow};
use crate::runners;
use crate::turns::interrupt::{self, OrphanedTurn};
use crate::turns::messages::{self, MessageRow};
use crate::values::{json_of, micros};

/// When to try again while a turn runs.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A turn to be opened, with its messages as they are stored.
#[derive(Debug)]
pub(crate) struct PreparedBegin {
    /// Without its messages, so that their parts are not held twice.
    begin: Begin,
    /// The conversation that the target names.
    conversation: ConversationId,
    messages: Vec<MessageToAppend>,
}

impl PreparedBegin {
    pub(crate) fn new(mut begin: Begin, conversation: ConversationId) -> Self {
        let messages = std::mem::take(&mut begin.messages);
        Self { begin, conversation, messages: messages.into_iter().map(MessageToAppend::from).collect() }
    }
}

/// An open turn, whose window is still to be read.
#[derive(Debug)]
pub(crate) struct OpenedTurn {
    pub(crate) begun: Begun,
    /// The window holds messages before this position.
    pub(crate) window_end: Seq,
}

/// Opens turns. Each begin gets its own result, in order.
pub(crate) async fn open_all(
    connection: &mut SqliteConnection,
    begins: &[&PreparedBegin],
) -> Result<Vec<Result<OpenedTurn, BeginError>>, DbError> {
    let found = find_targets(connection, begins).await?;
    let cuts: Vec<Cut> = begins.iter().filter_map(|begin| Cut::of(begin)).collect();
    let mut writes = Writes { replies_cut: count_replies(connection, &cuts).await?, ..Writes::default() };
    let mut results: Vec<_> = begins.iter().map(|begin| decide(begin, &found, &mut writes)).collect();

    let numbers = insert::insert_all(connection, &writes.conversations).await?;
    let message_numbers = writes.write(connection).await?;
    let personas = personas_of(connection, &results).await?;
    for OpenedTurn { begun, .. } in results.iter_mut().flatten() {
        for message in &mut begun.appended {
            message.number = message_numbers.get(&message.id).copied();
        }
        if let Some(number) = numbers.get(&begun.conversation.id) {
            begun.conversation.number = *number;
        }
        begun.persona = begun.conversation.persona.and_then(|persona| personas.get(&persona).cloned());
        begun.has_files = found.get(&begun.conversation.id).is_some_and(|row| row.files > 0);
    }
    Ok(results)
}

/// The conversations that exist. Turns of dead processes in them are ended first.
async fn find_targets(
    connection: &mut SqliteConnection,
    begins: &[&PreparedBegin],
) -> Result<HashMap<ConversationId, ConversationRow>, DbError> {
    let targets = begins.iter().filter_map(|prepared| match prepared.begin.target {
        Target::Existing { .. } => Some((prepared.conversation, &prepared.begin)),
        Target::New(_) => None,
    });
    let targets: Vec<(ConversationId, &Begin)> = targets.collect();
    let ids: Vec<ConversationId> = targets.iter().map(|(id, _)| *id).collect();
    let mut found = rows_of(connection, &ids).await?;

    let busy: Vec<TurnId> = found.values().filter_map(|row| row.columns.running_turn.map(TurnId)).collect();
    let dead = runners::turns_of_dead_processes(connection, &busy).await?;
    let mut orphans: Vec<OrphanedTurn> = Vec::new();
    for (id, begin) in &targets {
        let Some(row) = found.get(id) else { continue };
        let is_callers = row.columns.owner == begin.caller.0 && row.deleted_at.is_none();
        let abandoned = row.columns.running_turn.map(TurnId).filter(|turn| {
            // The process that makes this call is alive, however late the renewal of its lease.
            dead.get(turn).is_some_and(|runner| *runner != begin.runner)
        });
        let is_noted = |turn: &TurnId| orphans.iter().any(|orphan| orphan.turn == *turn);
        if let Some(turn) = abandoned.filter(|turn| is_callers && !is_noted(turn)) {
            orphans.push(OrphanedTurn { turn, runner: begin.runner, at: begin.at });
        }
    }
    if !orphans.is_empty() {
        interrupt::interrupt_all(connection, &orphans).await?;
        found = rows_of(connection, &ids).await?;
    }
    Ok(found)
}

/// How many replies leave the active path, by the turn whose branch makes them inactive.
async fn count_replies(
    connection: &mut SqliteConnection,
    cuts: &[Cut],
) -> Result<HashMap<TurnId, u32>, DbError> {
    if cuts.is_empty() {
        return Ok(HashMap::new());
    }
    let cuts = json_of(cuts)?;
    let counted = sqlx::query!(
        r#"SELECT unhex(j.value->>'turn') AS "turn!: Uuid", count(*) AS "replies!: u32"
           FROM json_each(?1) AS j
           CROSS JOIN messages m ON m.conversation_id = unhex(j.value->>'conversation')
           WHERE m.seq > (j.value->>'keep_to') AND m.active = 1 AND m.role = 'assistant'
           GROUP BY j.key"#,
        cuts,
    )
    .fetch_all(connection)
    .await?;
    Ok(counted.into_iter().map(|row| (TurnId(row.turn), row.replies)).collect())
}

/// The rows that the accepted begins of a group write.
#[derive(Default)]
struct Writes<'a> {
    /// How many replies leave the active path, by the turn of the branch.
    replies_cut: HashMap<TurnId, u32>,
    conversations: Vec<ConversationToInsert>,
    locks: Vec<Lock>,
    branches: Vec<Cut>,
    messages: Vec<MessageRow<'a>>,
    turns: Vec<TurnToOpen>,
    /// Conversations that a begin of this group has locked.
    locked: HashSet<ConversationId>,
}

/// A conversation that gets a running turn.
#[derive(Serialize)]
struct Lock {
    conversation: Simple,
    turn: Simple,
    last_seq: i64,
    head_seq: i64,
    message_count: u32,
    model: Option<String>,
    at: i64,
}

/// The end of an active path that a branch makes inactive.
#[derive(Serialize)]
struct Cut {
    turn: Simple,
    conversation: Simple,
    keep_to: i64,
}

impl Cut {
    fn of(prepared: &PreparedBegin) -> Option<Self> {
        let PreparedBegin { begin, conversation, messages: _ } = prepared;
        let branch = begin.branch?;
        Some(Self {
            turn: begin.turn.0.simple(),
            conversation: conversation.0.simple(),
            keep_to: branch.keep_to.0,
        })
    }
}

/// A row to insert into `turns`.
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
fn decide<'a>(
    prepared: &'a PreparedBegin,
    found: &HashMap<ConversationId, ConversationRow>,
    writes: &mut Writes<'a>,
) -> Result<OpenedTurn, BeginError> {
    let PreparedBegin { begin, conversation: id, messages: _ } = prepared;
    let (conversation, head, is_new) = match &begin.target {
        Target::New(new) => (insert::unnumbered((**new).clone()), Seq(0), true),
        Target::Existing { only_with_persona, .. } => {
            let is_there = |row: &&ConversationRow| {
                row.deleted_at.is_none() && (row.columns.persona_id.is_some() || !only_with_persona)
            };
            let row = found.get(id).filter(is_there).ok_or(BeginError::NotFound)?;
            if row.columns.owner != begin.caller.0 {
                return Err(BeginError::Foreign);
            }
            if row.columns.running_turn.is_some() || writes.locked.contains(id) {
                return Err(BeginError::Busy { retry_after: RETRY_AFTER });
            }
            if begin.branch.is_some_and(|branch| branch.expect_last.0 != row.columns.last_seq) {
                return Err(BeginError::Moved);
            }
            let head = Seq(row.head_seq);
            (Conversation::try_from(row.clone()).map_err(DbError::from)?, head, false)
        }
    };
    Ok(writes.open(prepared, conversation, head, is_new))
}

impl<'a> Writes<'a> {
    fn open(
        &mut self,
        prepared: &'a PreparedBegin,
        mut conversation: Conversation,
        head: Seq,
        is_new: bool,
    ) -> OpenedTurn {
        let PreparedBegin { begin, messages, .. } = prepared;
        let at = micros(begin.at);
        let base = begin.branch.map_or(head, |branch| branch.keep_to);
        let first = Seq(conversation.last_seq.0 + 1);
        let question = self.append(begin, messages, conversation.id, base, first);
        let window_end = if messages.is_empty() { question } else { first };

        conversation.last_seq = if messages.is_empty() { conversation.last_seq } else { question };
        let replies_cut = self.replies_cut.get(&begin.turn).copied().unwrap_or_default();
        conversation.message_count =
            (conversation.message_count + stored::reply_count(messages)).saturating_sub(replies_cut);
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
                message_count: conversation.message_count,
                model: conversation.model.as_ref().map(ToString::to_string),
                at,
            });
        }
        self.branches.extend(Cut::of(prepared));
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
        let appended = (first.0..).zip(messages);
        let appended =
            appended.map(|(seq, message)| AppendedMessage { id: message.id, seq: Seq(seq), number: None });
        let opened = Begun {
            conversation,
            persona: None,
            question,
            appended: appended.collect(),
            model,
            window: Window::default(),
            has_files: false,
        };
        OpenedTurn { begun: opened, window_end }
    }

    /// Notes the messages of a begin, each the child of the one before it. Returns the position of the last one.
    fn append(
        &mut self,
        begin: &Begin,
        messages: &'a [MessageToAppend],
        conversation: ConversationId,
        base: Seq,
        first: Seq,
    ) -> Seq {
        let mut parent = base;
        for (seq, message) in (first.0..).zip(messages) {
            self.messages.push(MessageRow {
                id: message.id.0.simple(),
                conversation: conversation.0.simple(),
                seq,
                parent: (parent.0 > 0).then_some(parent.0),
                turn: begin.turn.0.simple(),
                role: message.role,
                state: MessageState::Completed.as_str(),
                token_count: message.token_count,
                at: micros(begin.at),
                lengths: None,
                parts: &message.parts,
            });
            parent = Seq(seq);
        }
        parent
    }

    /// Writes all but the new conversations, which are inserted before. Returns the numbers of the messages.
    async fn write(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<HashMap<MessageId, MessageNumber>, DbError> {
        if !self.locks.is_empty() {
            let locks = json_of(&self.locks)?;
            sqlx::query!(
                "UPDATE conversations SET running_turn = unhex(j.value->>'turn'),
                   last_seq = j.value->>'last_seq', head_seq = j.value->>'head_seq',
                   message_count = j.value->>'message_count', model = j.value->>'model',
                   updated_at = j.value->>'at'
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
    results: &[Result<OpenedTurn, BeginError>],
) -> Result<HashMap<PersonaId, Persona>, DbError> {
    let opened = results.iter().flatten();
    let ids: Vec<i64> = opened.filter_map(|turn| turn.begun.conversation.persona).map(|id| id.0).collect();
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
