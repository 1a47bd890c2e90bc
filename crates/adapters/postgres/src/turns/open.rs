//! Makes conversations together with their first turns.

use std::collections::HashMap;
use std::convert::Infallible;

use domain::{HistoryLocation, ModelName, NewConversation, Timestamp};
use ports::{Begin, Finish};
use sqlx::PgConnection;
use stored::MessageToAppend;
use uuid::Uuid;

use super::begin::{BegunRow, close_unwanted};
use super::messages::{MessageArrays, bytes_of, count_of};
use super::writer::op::{BatchOp, Diagnosis};
use crate::error::DbError;
use crate::rows::PersonaRow;

/// A conversation to be made with a turn.
#[derive(Debug)]
pub(crate) struct BeginNew {
    /// Without its messages, so that their parts are not held twice.
    begin: Begin,
    new: NewConversation,
    pub(super) messages: Vec<MessageToAppend>,
}

impl BeginNew {
    pub(super) fn new(mut begin: Begin, new: NewConversation) -> Self {
        let messages = std::mem::take(&mut begin.messages);
        let messages = messages.into_iter().map(MessageToAppend::from).collect();
        Self { begin, new, messages }
    }
}

/// The begins of a batch: an array for each column.
#[derive(Default)]
struct Arrays<'a> {
    turn: Vec<Uuid>,
    conversation: Vec<Uuid>,
    owner: Vec<i64>,
    runner: Vec<Uuid>,
    contract: Vec<&'a str>,
    asked_model: Vec<Option<&'a str>>,
    default_model: Vec<&'a str>,
    appended: Vec<i32>,
    replies: Vec<i64>,
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
    messages: MessageArrays<'a>,
}

impl<'a> Arrays<'a> {
    fn of(batch: &[&'a BeginNew]) -> Self {
        let mut arrays = Self::default();
        for op in batch {
            let (begin, new) = (&op.begin, &op.new);
            arrays.turn.push(begin.turn.0);
            arrays.conversation.push(new.id.0);
            arrays.owner.push(new.owner.0);
            arrays.runner.push(begin.runner.0);
            arrays.contract.push(stored::contract_name(begin.contract));
            arrays.asked_model.push(begin.model.as_ref().map(ModelName::as_str));
            arrays.default_model.push(begin.default_model.as_str());
            arrays.appended.push(count_of(&op.messages));
            arrays.replies.push(stored::reply_count(&op.messages).into());
            arrays.at.push(begin.at);
            arrays.made_at.push(new.at);
            arrays.label.push(new.label.as_str());
            arrays.project.push(new.project.as_ref().map(domain::ProjectId::as_str));
            arrays.persona.push(new.persona.map(|persona| persona.0));
            arrays.begun_by.push(stored::contract_name(new.begun_by));
            arrays.provider.push(match &new.home {
                HistoryLocation::Local => None,
                HistoryLocation::OpenAi(id) => Some(id),
            });
            arrays.title.push(new.title.as_ref().map(domain::Title::as_str));
            arrays.model.push(new.model.as_ref().or(begin.own_model.as_ref()).map(ModelName::as_str));
            arrays.metadata.push(new.metadata.as_str());
            arrays.application.push(new.application);
            arrays.messages.push(begin.turn.0, &op.messages);
        }
        arrays
    }
}

impl BatchOp for BeginNew {
    type Output = Box<BegunRow>;
    /// No other call can use a conversation that is not there yet.
    type Refusal = Infallible;

    const OUTLIVES_ITS_CALLER: bool = false;

    fn turn(&self) -> Uuid {
        self.begin.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.new.id.0
    }

    async fn execute(
        connection: &mut PgConnection,
        batch: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Box<BegunRow>, DbError>>, sqlx::Error> {
        let arrays = Arrays::of(batch);
        let rows = sqlx::query_file!(
            "queries/begin_new.sql",
            arrays.turn.as_slice(),
            arrays.conversation.as_slice(),
            arrays.owner.as_slice(),
            arrays.runner.as_slice(),
            arrays.contract.as_slice() as _,
            arrays.asked_model.as_slice() as _,
            arrays.default_model.as_slice() as _,
            arrays.appended.as_slice(),
            arrays.replies.as_slice(),
            arrays.at.as_slice(),
            arrays.made_at.as_slice(),
            arrays.label.as_slice() as _,
            arrays.project.as_slice() as _,
            arrays.persona.as_slice() as _,
            arrays.begun_by.as_slice() as _,
            arrays.provider.as_slice() as _,
            arrays.title.as_slice() as _,
            arrays.model.as_slice() as _,
            arrays.metadata.as_slice() as _,
            arrays.application.as_slice() as _,
            arrays.messages.turn.as_slice(),
            arrays.messages.ordinal.as_slice(),
            arrays.messages.id.as_slice(),
            arrays.messages.role.as_slice() as _,
            arrays.messages.token_count.as_slice(),
            arrays.messages.parts.as_slice() as _,
        )
        .fetch_all(connection)
        .await?;
        let begun = rows.into_iter().map(|row| {
            let begun = BegunRow {
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
                conversation: stored::conversation_columns!(row),
            };
            (row.turn, Ok(Box::new(begun)))
        });
        Ok(begun.collect())
    }

    async fn diagnose(
        _: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<Infallible>>, sqlx::Error> {
        // There is no row that could be locked.
        Ok(left_out.iter().map(|op| (op.turn(), Diagnosis::Locked)).collect())
    }

    fn unknown() -> Result<Infallible, DbError> {
        Self::contended()
    }

    fn contended() -> Result<Infallible, DbError> {
        Err(DbError::refused("a new conversation was not made"))
    }

    fn compensation(&self) -> Option<Finish> {
        Some(close_unwanted(&self.begin, self.new.id))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.messages)
    }
}
