//! Makes conversations together with their first turns.

use std::collections::HashMap;
use std::convert::Infallible;

use domain::{HistoryLocation, ModelName, NewConversation, Timestamp};
use ports::Begin;
use sqlx::PgConnection;
use uuid::Uuid;

use super::begin::Opened;
use super::finish::CloseTurn;
use super::messages::{MessageColumns, MessageToAppend};
use crate::error::DbError;
use crate::rows::{PersonaRow, conversation_row, count_to};
use crate::writer::{Diagnosis, Job, Order, Pending};

/// A conversation to be made with a turn.
#[derive(Debug)]
pub(crate) struct BeginNew {
    pub(super) begin: Begin,
    new: NewConversation,
    messages: Vec<MessageToAppend>,
}

impl BeginNew {
    pub(super) fn new(begin: Begin, new: NewConversation) -> Self {
        let messages = begin.messages.iter().map(MessageToAppend::from).collect();
        Self { begin, new, messages }
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
    appended: Vec<i32>,
    at: Vec<Timestamp>,
    made_at: Vec<Timestamp>,
    label: Vec<&'a str>,
    project: Vec<Option<&'a str>>,
    persona: Vec<Option<i64>>,
    begun_by: Vec<&'a str>,
    provider: Vec<Option<&'a str>>,
    title: Vec<Option<&'a str>>,
    model: Vec<Option<&'a str>>,
    metadata: Vec<&'a str>,
    application: Vec<Option<i64>>,
    messages: MessageColumns<'a>,
}

impl<'a> Columns<'a> {
    fn of(group: &[&'a BeginNew]) -> Self {
        let mut columns = Self::default();
        for order in group {
            let (begin, new) = (&order.begin, &order.new);
            columns.turn.push(begin.turn.0);
            columns.conversation.push(new.id.0);
            columns.owner.push(new.owner.0);
            columns.runner.push(begin.runner.0);
            columns.contract.push(stored::contract_name(begin.contract));
            columns.asked_model.push(begin.model.as_ref().map(ModelName::as_str));
            columns.default_model.push(begin.default_model.as_str());
            columns.appended.push(count_to(order.messages.len(), i32::MAX));
            columns.at.push(begin.at);
            columns.made_at.push(new.at);
            columns.label.push(new.label.as_str());
            columns.project.push(new.project.as_ref().map(domain::ProjectId::as_str));
            columns.persona.push(new.persona.map(|persona| persona.0));
            columns.begun_by.push(stored::contract_name(new.begun_by));
            columns.provider.push(match &new.home {
                HistoryLocation::Local => None,
                HistoryLocation::OpenAi(id) => Some(id),
            });
            columns.title.push(new.title.as_ref().map(domain::Title::as_str));
            columns.model.push(new.model.as_ref().or(begin.own_model.as_ref()).map(ModelName::as_str));
            columns.metadata.push(new.metadata.as_str());
            columns.application.push(new.application);
            columns.messages.push(begin.turn.0, &order.messages);
        }
        columns
    }
}

impl Order for BeginNew {
    type Done = Box<Opened>;
    /// Nobody else has it yet.
    type Refusal = Infallible;

    const OUTLIVES_ITS_CALLER: bool = false;

    fn turn(&self) -> Uuid {
        self.begin.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.new.id.0
    }

    async fn carry_out(
        connection: &mut PgConnection,
        group: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Box<Opened>, DbError>>, sqlx::Error> {
        let columns = Columns::of(group);
        let rows = sqlx::query_file!(
            "queries/begin_new.sql",
            columns.turn.as_slice(),
            columns.conversation.as_slice(),
            columns.owner.as_slice(),
            columns.runner.as_slice(),
            columns.contract.as_slice() as _,
            columns.asked_model.as_slice() as _,
            columns.default_model.as_slice() as _,
            columns.appended.as_slice(),
            columns.at.as_slice(),
            columns.made_at.as_slice(),
            columns.label.as_slice() as _,
            columns.project.as_slice() as _,
            columns.persona.as_slice() as _,
            columns.begun_by.as_slice() as _,
            columns.provider.as_slice() as _,
            columns.title.as_slice() as _,
            columns.model.as_slice() as _,
            columns.metadata.as_slice() as _,
            columns.application.as_slice() as _,
            columns.messages.turn.as_slice(),
            columns.messages.ordinal.as_slice(),
            columns.messages.id.as_slice(),
            columns.messages.role.as_slice() as _,
            columns.messages.token_count.as_slice(),
            columns.messages.parts.as_slice() as _,
        )
        .fetch_all(connection)
        .await?;
        let opened = rows.into_iter().map(|row| {
            let opened = Opened {
                question: row.question,
                first: 1,
                numbers: row.numbers,
                model: row.turn_model,
                persona: PersonaRow {
                    id: row.persona_id,
                    name: row.persona_name,
                    description: row.persona_description,
                    relation: row.persona_relation,
                },
                window: None,
                has_files: false,
                conversation: conversation_row!(row),
            };
            (row.turn, Ok(Box::new(opened)))
        });
        Ok(opened.collect())
    }

    async fn diagnose(
        _: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<Infallible>>, sqlx::Error> {
        // It has no lock to miss.
        Ok(left_out.iter().map(|order| (order.turn(), Diagnosis::Again)).collect())
    }

    fn unknown() -> Result<Infallible, DbError> {
        Self::contended()
    }

    fn contended() -> Result<Infallible, DbError> {
        Err(DbError::refused("a new conversation was not made"))
    }

    fn undo(&self) -> Option<CloseTurn> {
        Some(CloseTurn::unwanted(&self.begin, self.new.id))
    }

    fn bytes(&self) -> usize {
        self.messages.iter().map(MessageToAppend::bytes).sum()
    }

    fn into_job(pending: Pending<Self>) -> Job {
        Job::Open(pending)
    }
}
