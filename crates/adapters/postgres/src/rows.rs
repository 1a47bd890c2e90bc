//! Rows as statements of this store return them.

use domain::limits::WINDOW_MESSAGES;
use domain::{Persona, PersonaId, Relation, WindowMessage};
use ports::Window;
use stored::{StoredError, WindowColumns};
use uuid::Uuid;

/// A statement that returns conversations: `$head` comes before its `SELECT`, `$tail` after the columns of `c`.
macro_rules! select_conversations {
    ($head:literal, $tail:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            stored::ConversationColumns::<domain::Timestamp>,
            $head
                + r#" SELECT c.id AS "id!", c.number AS "number!", c.owner AS "owner!", c.persona_id, c.application_id,
                        c.running_turn, c.last_seq AS "last_seq!", c.input_tokens AS "input_tokens!",
                        c.output_tokens AS "output_tokens!", c.cost_nanos AS "cost_nanos!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.summary_updated_at,
                        c.message_count::bigint AS "message_count!",
                        c.summary_message_count::bigint AS "summary_message_count!",
                        c.active AS "active!", c.begun_by AS "begun_by!", c.provider_id, c.model, c.last_model,
                        c.label AS "label!", c.project, c.title, c.metadata::text AS "metadata!", c.summary "#
                + $tail $(+ $more)*
            $(, $argument)*
        )
    };
}
pub(crate) use select_conversations;

/// What `window_before` returns: an array for each column, newest message first.
#[derive(Debug)]
pub(crate) struct WindowArrays {
    pub(crate) seqs: Vec<i64>,
    pub(crate) turn_ids: Vec<Option<Uuid>>,
    pub(crate) roles: Vec<String>,
    pub(crate) states: Vec<String>,
    pub(crate) token_counts: Vec<i32>,
    pub(crate) parts: Vec<String>,
    pub(crate) has_older: bool,
}

impl WindowArrays {
    pub(crate) fn into_window(self) -> Result<Window, StoredError> {
        let Self { seqs, turn_ids, roles, states, token_counts, parts, has_older } = self;
        let rows = seqs.into_iter().zip(turn_ids).zip(roles).zip(states).zip(token_counts).zip(parts);
        let rows = rows.take(WINDOW_MESSAGES as usize);
        let mut messages = Vec::with_capacity(rows.len());
        for (((((seq, turn_id), role), state), token_count), parts) in rows.rev() {
            let row = WindowColumns { seq, turn_id, role, state, token_count: token_count.into(), parts };
            messages.push(WindowMessage::try_from(row)?);
        }
        Ok(Window { messages, has_older })
    }
}

/// The columns of `personas` that a turn needs; all `None` where the conversation has no persona.
#[derive(Debug)]
pub(crate) struct PersonaRow {
    pub(crate) id: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) relation: Option<String>,
}

impl From<PersonaRow> for Option<Persona> {
    fn from(row: PersonaRow) -> Self {
        let PersonaRow { id, name, description, relation } = row;
        Some(Persona {
            id: PersonaId(id?),
            name: name?,
            description,
            relation: Relation::from_stored(&relation?),
        })
    }
}
