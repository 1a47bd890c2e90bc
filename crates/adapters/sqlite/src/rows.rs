//! Rows of `conversations` and `personas`.

use domain::{Conversation, Persona, PersonaId, Relation, UserId};
use ports::Access;
use stored::{ConversationColumns, StoredError};

/// A row of `conversations`.
#[derive(Debug, Clone)]
pub(crate) struct ConversationRow {
    pub(crate) columns: ConversationColumns<i64>,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) head_seq: i64,
    pub(crate) files: i64,
}

/// `SELECT` of whole conversations; takes the end of the statement and its arguments.
macro_rules! select_conversations {
    ($tail:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        sqlx::query!(
            r#"SELECT number AS "number!", id AS "id: uuid::Uuid", owner, deleted_at, created_at, updated_at,
                 running_turn AS "running_turn: uuid::Uuid", last_seq, head_seq, message_count, input_tokens,
                 output_tokens, cost_nanos, active AS "active: bool", persona_id, application_id, begun_by,
                 provider_id, model, last_model, label, project, title, summary_message_count,
                 summary_updated_at, metadata, summary, files
               FROM conversations "# + $tail $(+ $more)*
            $(, $argument)*
        )
        .map(|row| $crate::rows::ConversationRow {
            deleted_at: row.deleted_at,
            head_seq: row.head_seq,
            files: row.files,
            columns: stored::conversation_columns!(row),
        })
    };
}
pub(crate) use select_conversations;

/// Goes on with the row, or returns that there is no access to it.
macro_rules! granted {
    ($access:expr) => {
        match $access {
            ports::Access::Granted(row) => row,
            ports::Access::Foreign => return Ok(ports::Access::Foreign),
            ports::Access::Absent => return Ok(ports::Access::Absent),
        }
    };
}
pub(crate) use granted;

impl ConversationRow {
    /// The access of a caller to the conversation, hidden or not.
    pub(crate) fn owned(row: Option<Self>, caller: UserId) -> Access<Self> {
        Access::of(caller, row.map(|row| (UserId(row.columns.owner), row)))
    }

    /// The access of a caller to the conversation; a hidden one is absent.
    pub(crate) fn visible(row: Option<Self>, caller: UserId) -> Access<Self> {
        Self::owned(row.filter(|row| row.deleted_at.is_none()), caller)
    }
}

impl TryFrom<ConversationRow> for Conversation {
    type Error = StoredError;

    fn try_from(row: ConversationRow) -> Result<Self, StoredError> {
        row.columns.try_into()
    }
}

/// The columns of `personas` that a turn needs.
#[derive(Debug)]
pub(crate) struct PersonaRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) relation_type: String,
}

impl From<PersonaRow> for Persona {
    fn from(row: PersonaRow) -> Self {
        let PersonaRow { id, name, description, relation_type } = row;
        Self { id: PersonaId(id), name, description, relation: Relation::from_stored(&relation_type) }
    }
}
