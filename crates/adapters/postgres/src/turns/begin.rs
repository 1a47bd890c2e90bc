//! Opens turns in conversations that exist.

use std::collections::HashMap;

use domain::{
    Conversation, ConversationId, Ending, MessageNumber, ModelName, Persona, RunnerId, Seq, Timestamp,
    TurnId, Usage,
};
use ports::{AppendedMessage, Begin, Begun, Finish};
use sqlx::PgConnection;
use stored::{ConversationColumns, MessageToAppend, StoredError, model_name};
use uuid::Uuid;

use super::WINDOW;
use super::messages::{MessageArrays, bytes_of, count_of};
use super::writer::op::{BatchOp, Diagnosis};
use crate::error::DbError;
use crate::rows::{PersonaRow, WindowArrays};

/// A turn to be opened in a conversation that exists.
#[derive(Debug)]
pub(crate) struct BeginExisting {
    /// Without its messages, so that their parts are not held twice.
    pub(super) begin: Begin,
    conversation: ConversationId,
    only_with_persona: bool,
    pub(super) messages: Vec<MessageToAppend>,
}

/// Why a turn was not opened.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// There is no such conversation.
    NotFound,
    /// Another user owns it.
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
    /// Its `last_seq` is not the one that the branch expects.
    Moved,
}

impl BeginExisting {
    pub(crate) fn new(mut begin: Begin, conversation: ConversationId, only_with_persona: bool) -> Self {
        let messages = std::mem::take(&mut begin.messages);
        let messages = messages.into_iter().map(MessageToAppend::from).collect();
        Self { begin, conversation, only_with_persona, messages }
    }
}

/// What undoes a begin, where its caller will not run the turn.
pub(super) fn close_unwanted(begin: &Begin, conversation: ConversationId) -> Finish {
    let ending = Ending::interrupted(Usage::default(), begin.at);
    Finish::without_reply(begin.turn, begin.runner, conversation, ending)
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
    own_model: Vec<Option<&'a str>>,
    expect_last: Vec<Option<i64>>,
    keep_to: Vec<Option<i64>>,
    appended: Vec<i32>,
    replies: Vec<i64>,
    at: Vec<Timestamp>,
    only_with_persona: Vec<bool>,
    messages: MessageArrays<'a>,
}

impl<'a> Arrays<'a> {
    fn of(batch: &[&'a BeginExisting]) -> Self {
        let mut arrays = Self::default();
        for op in batch {
            let begin = &op.begin;
            arrays.turn.push(begin.turn.0);
            arrays.conversation.push(op.conversation.0);
            arrays.owner.push(begin.caller.0);
            arrays.runner.push(begin.runner.0);
            arrays.contract.push(stored::contract_name(begin.contract));
            arrays.asked_model.push(begin.model.as_ref().map(ModelName::as_str));
            arrays.default_model.push(begin.default_model.as_str());
            arrays.own_model.push(begin.own_model.as_ref().map(ModelName::as_str));
            arrays.expect_last.push(begin.branch.map(|branch| branch.expect_last.0));
            arrays.keep_to.push(begin.branch.map(|branch| branch.keep_to.0));
            arrays.appended.push(count_of(&op.messages));
            arrays.replies.push(stored::reply_count(&op.messages).into());
            arrays.at.push(begin.at);
            arrays.only_with_persona.push(op.only_with_persona);
            arrays.messages.push(begin.turn.0, &op.messages);
        }
        arrays
    }
}

/// What the statements of both kinds of begin return. The caller's task reads it, so that the worker is free.
pub(crate) struct BegunRow {
    pub(super) conversation: ConversationColumns<Timestamp>,
    pub(super) question: i64,
    /// The position of the first new message.
    pub(super) first: i64,
    /// The numbers of the new messages.
    pub(super) numbers: Vec<i64>,
    pub(super) model: String,
    pub(super) persona: PersonaRow,
    /// `None` for a new conversation.
    pub(super) window: Option<WindowArrays>,
    pub(super) has_files: bool,
}

impl BegunRow {
    /// What a begin of these messages returns.
    pub(super) fn into_begun(self, messages: &[MessageToAppend]) -> Result<Begun, StoredError> {
        let Self { conversation, question, first, numbers, model, persona, window, has_files } = self;
        let persona: Option<Persona> = persona.into();
        let rows = (first..).zip(messages).zip(numbers);
        let appended = rows.map(|((seq, message), number)| AppendedMessage {
            id: message.id,
            seq: Seq(seq),
            number: Some(MessageNumber(number)),
        });
        let window = window.map(WindowArrays::into_window).transpose()?;
        Ok(Begun {
            conversation: Conversation::try_from(conversation)?,
            persona,
            question: Seq(question),
            appended: appended.collect(),
            model: model_name(&model)?,
            window: window.unwrap_or_default(),
            has_files,
        })
    }
}

impl BatchOp for BeginExisting {
    type Output = Box<BegunRow>;
    type Refusal = NotBegun;

    /// A turn without its caller would not be run.
    const OUTLIVES_ITS_CALLER: bool = false;

    fn turn(&self) -> Uuid {
        self.begin.turn.0
    }

    fn conversation(&self) -> Uuid {
        self.conversation.0
    }

    async fn execute(
        connection: &mut PgConnection,
        batch: &[&Self],
    ) -> Result<HashMap<Uuid, Result<Box<BegunRow>, DbError>>, sqlx::Error> {
        let arrays = Arrays::of(batch);
        let (window_messages, window_bytes) = WINDOW;
        let rows = sqlx::query_file!(
            "queries/begin_existing.sql",
            arrays.turn.as_slice(),
            arrays.conversation.as_slice(),
            arrays.owner.as_slice(),
            arrays.runner.as_slice(),
            arrays.contract.as_slice() as _,
            arrays.asked_model.as_slice() as _,
            arrays.default_model.as_slice() as _,
            arrays.own_model.as_slice() as _,
            arrays.expect_last.as_slice() as _,
            arrays.keep_to.as_slice() as _,
            arrays.appended.as_slice(),
            arrays.replies.as_slice(),
            arrays.at.as_slice(),
            arrays.only_with_persona.as_slice(),
            arrays.messages.turn.as_slice(),
            arrays.messages.ordinal.as_slice(),
            arrays.messages.id.as_slice(),
            arrays.messages.role.as_slice() as _,
            arrays.messages.token_count.as_slice(),
            arrays.messages.parts.as_slice() as _,
            window_messages,
            window_bytes,
        )
        .fetch_all(connection)
        .await?;
        let begun = rows.into_iter().map(|row| {
            let begun = BegunRow {
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
                window: Some(WindowArrays {
                    seqs: row.seqs,
                    turn_ids: row.turn_ids,
                    roles: row.roles,
                    states: row.states,
                    token_counts: row.token_counts,
                    parts: row.parts,
                    has_older: row.has_older,
                }),
                has_files: row.has_files,
                conversation: stored::conversation_columns!(row),
            };
            (row.turn, Ok(Box::new(begun)))
        });
        Ok(begun.collect())
    }

    async fn diagnose(
        connection: &mut PgConnection,
        left_out: &[&Self],
    ) -> Result<HashMap<Uuid, Diagnosis<NotBegun>>, sqlx::Error> {
        let arrays = Arrays::of(left_out);
        let rows = sqlx::query_file!(
            "queries/diagnose_begin.sql",
            arrays.turn.as_slice(),
            arrays.conversation.as_slice(),
            arrays.owner.as_slice(),
            arrays.runner.as_slice(),
            arrays.expect_last.as_slice() as _,
            arrays.only_with_persona.as_slice(),
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
                    (None, _) => Diagnosis::Locked,
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

    fn compensation(&self) -> Option<Finish> {
        Some(close_unwanted(&self.begin, self.conversation))
    }

    fn bytes(&self) -> usize {
        bytes_of(&self.messages)
    }
}
