//! Opens turns in conversations that exist.

use std::collections::HashMap;

use domain::limits::WINDOW_MESSAGES;
use domain::{ConversationId, MessageNumber, NewMessage, Persona, RunnerId, Seq, Timestamp, TurnId};
use ports::{AppendedMessage, Begin, Begun};
use sqlx::PgConnection;
use uuid::Uuid;

use super::finish::CloseTurn;
use super::messages::{MessageColumns, MessageToAppend};
use super::window::WINDOW;
use crate::error::DbError;
use crate::rows::{ConversationRow, PersonaRow, WindowColumns, conversation_row, model_name};
use crate::writer::{Diagnosis, Job, Order, Pending};

/// A turn to be opened in a conversation that exists.
#[derive(Debug)]
pub(crate) struct BeginExisting {
    pub(super) begin: Begin,
    conversation: ConversationId,
    only_with_persona: bool,
    messages: Vec<MessageToAppend>,
}

/// Why a turn was not opened.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// There is no such conversation.
    NotFound,
    /// It is somebody else's.
    Foreign,
    /// A turn runs in it.
    Busy,
    /// A turn runs in it whose process is dead.
    Abandoned {
        /// The turn.
        turn: TurnId,
        /// The dead process.
        runner: RunnerId,
    },
    /// It is not as the branch expects it.
    Moved,
}

impl BeginExisting {
    pub(crate) fn new(begin: Begin, conversation: ConversationId, only_with_persona: bool) -> Self {
        let messages = begin.messages.iter().map(MessageToAppend::from).collect();
        Self { begin, conversation, only_with_persona, messages }
    }
}

/// The begins of a group, as columns.
#[derive(Default)]
struct Columns<'a> {
    turn: Vec<Uuid>,
    conversation: Vec<Uuid>,
    owner: Vec<i64>,
    runner: Vec<Uuid>,
    contract: Vec<&'a str>,
    asked_model: Vec<Option<&'a str>>,
    default_model: Vec<&'a str>,
    own_model: Vec<Option<&'a str>>,
    expect_last: Vec<Option<i64>>,
    keep_to: Vec<Option<i64>>,
    appended: Vec<i32>,
    at: Vec<Timestamp>,
    only_with_persona: Vec<bool>,
    messages: MessageColumns<'a>,
}

impl<'a> Columns<'a> {
    fn of(group: &[&'a BeginExisting]) -> Self {
        let mut columns = Self::default();
        for order in group {
            let begin = &order.begin;
            columns.turn.push(begin.turn.0);
            columns.conversation.push(order.conversation.0);
            columns.owner.push(begin.caller.0);
            columns.runner.push(begin.runner.0);
            columns.contract.push(stored::contract_name(begin.contract));
            columns.asked_model.push(begin.model.as_ref().map(domain::ModelName::as_str));
            columns.default_model.push(begin.default_model.as_str());
            columns.own_model.push(begin.own_model.as_ref().map(domain::ModelName::as_str));
            columns.expect_last.push(begin.branch.map(|branch| branch.expect_last.0));
            columns.keep_to.push(begin.branch.map(|branch| branch.keep_to.0));
            columns.appended.push(crate::rows::count_to(order.messages.len(), i32::MAX));
            columns.at.push(begin.at);
            columns.only_with_persona.push(order.only_with_persona);
            columns.messages.push(begin.turn.0, &order.messages);
        }
        columns
    }
}

/// What both ways to begin answer. It is read by the caller's task: a lane has other things to do.
pub(crate) struct Opened {
    pub(super) conversation: ConversationRow,
    pub(super) question: i64,
    /// The position of the first new message, and the numbers of all of them.
    pub(super) first: i64,
    pub(super) numbers: Vec<i64>,
    pub(super) model: String,
    pub(super) persona: PersonaRow,
    /// A new conversation has none.
    pub(super) window: Option<WindowColumns>,
    pub(super) has_files: bool,
}

impl Opened {
    /// What a begin of these messages answers.
    pub(super) fn into_begun(self, messages: &[NewMessage]) -> Result<Begun, DbError> {
        let Self { conversation, question, first, numbers, model, persona, window, has_files } = self;
        let id = ConversationId(conversation.id);
        let persona: Option<Persona> = persona.into();
        let rows = (first..).zip(messages).zip(numbers);
        let appended = rows.map(|((seq, message), number)| AppendedMessage {
            id: message.id,
            seq: Seq(seq),
            number: Some(MessageNumber(number)),
        });
        Ok(Begun {
            conversation: conversation.try_into()?,
            persona,
            question: Seq(question),
            appended: appended.collect(),
            model: model_name(&model)?,
            window: window.map(|window| window.into_window(id, WINDOW_MESSAGES as usize)).unwrap_or_default(),
            has_files,
        })
    }
}

impl Order for BeginExisting {
    type Done = Box<Opened>;
    type Refusal = NotBegun;

    /// Nobody would run the turn.
    const OUTLIVES_ITS_CALLER: bool = false;

    fn turn(&self) -> Uuid {
        self.begin.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.conversation.0
    }

    async fn carry_out(
        connection: &mut PgConnection,
        group: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Box<Opened>, DbError>>, sqlx::Error> {
        let columns = Columns::of(group);
        let (window_messages, window_bytes) = WINDOW;
        let rows = sqlx::query_file!(
            "queries/begin_existing.sql",
            columns.turn.as_slice(),
            columns.conversation.as_slice(),
            columns.owner.as_slice(),
            columns.runner.as_slice(),
            columns.contract.as_slice() as _,
            columns.asked_model.as_slice() as _,
            columns.default_model.as_slice() as _,
            columns.own_model.as_slice() as _,
            columns.expect_last.as_slice() as _,
            columns.keep_to.as_slice() as _,
            columns.appended.as_slice(),
            columns.at.as_slice(),
            columns.only_with_persona.as_slice(),
            columns.messages.turn.as_slice(),
            columns.messages.ordinal.as_slice(),
            columns.messages.id.as_slice(),
            columns.messages.role.as_slice() as _,
            columns.messages.token_count.as_slice(),
            columns.messages.parts.as_slice() as _,
            window_messages,
            window_bytes,
        )
        .fetch_all(connection)
        .await?;
        let opened = rows.into_iter().map(|row| {
            let opened = Opened {
                question: row.question,
                first: row.last_before + 1,
                numbers: row.numbers,
                model: row.turn_model,
                persona: PersonaRow {
                    id: row.persona_id,
                    name: row.persona_name,
                    description: row.persona_description,
                    relation: row.persona_relation,
                },
                window: Some(WindowColumns {
                    seqs: row.seqs,
                    turn_ids: row.turn_ids,
                    roles: row.roles,
                    states: row.states,
                    token_counts: row.token_counts,
                    parts: row.parts,
                    has_older: row.has_older,
                }),
                has_files: row.has_files,
                conversation: conversation_row!(row),
            };
            (row.turn, Ok(Box::new(opened)))
        });
        Ok(opened.collect())
    }

    async fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<NotBegun>>, sqlx::Error> {
        let columns = Columns::of(left_out);
        let rows = sqlx::query_file!(
            "queries/diagnose_begin.sql",
            columns.turn.as_slice(),
            columns.conversation.as_slice(),
            columns.owner.as_slice(),
            columns.runner.as_slice(),
            columns.expect_last.as_slice() as _,
            columns.only_with_persona.as_slice(),
        )
        .fetch_all(connection)
        .await?;
        let diagnosis =
            |is_owned: bool, running: Option<Uuid>, runner: Option<Uuid>, is_dead, is_as_expected: bool| {
                if !is_owned {
                    return Diagnosis::Refused(NotBegun::Foreign);
                }
                match (running, runner) {
                    (Some(turn), Some(runner)) if is_dead => Diagnosis::Refused(NotBegun::Abandoned {
                        turn: TurnId(turn),
                        runner: RunnerId(runner),
                    }),
                    (Some(_), _) => Diagnosis::Refused(NotBegun::Busy),
                    (None, _) if !is_as_expected => Diagnosis::Refused(NotBegun::Moved),
                    (None, _) => Diagnosis::Again,
                }
            };
        let rows = rows.into_iter().map(|row| {
            let is_dead = row.is_dead.unwrap_or_default();
            (row.turn, diagnosis(row.is_owned, row.running_turn, row.runner, is_dead, row.is_as_expected))
        });
        Ok(rows.collect())
    }

    fn unknown() -> Result<NotBegun, DbError> {
        Ok(NotBegun::NotFound)
    }

    fn contended() -> Result<NotBegun, DbError> {
        Ok(NotBegun::Busy)
    }

    fn undo(&self) -> Option<CloseTurn> {
        Some(CloseTurn::unwanted(&self.begin, self.conversation))
    }

    fn bytes(&self) -> usize {
        self.messages.iter().map(MessageToAppend::bytes).sum()
    }

    fn into_job(pending: Pending<Self>) -> Job {
        Job::Begin(pending)
    }
}
