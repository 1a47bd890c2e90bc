//! Rows of `conversations` and what they become in the domain.

use domain::{ConversationChange, NanoDollars, PersonaId, Seq, Title, Totals};

use crate::columns::{invalid, model_name};
use crate::{StoredError, StoredTime, count_from};

/// The columns that may change while a turn runs; `T` is a time as the store keeps it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct ChangeColumns<T> {
    pub last_seq: i64,
    pub message_count: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_nanos: i64,
    pub persona_id: Option<i64>,
    pub last_model: Option<String>,
    pub title: Option<String>,
    pub updated_at: T,
}

impl<T: StoredTime> TryFrom<ChangeColumns<T>> for ConversationChange {
    type Error = StoredError;

    fn try_from(row: ChangeColumns<T>) -> Result<Self, StoredError> {
        Ok(Self {
            title: title(row.title.as_deref())?,
            persona: row.persona_id.map(PersonaId),
            last_model: row.last_model.as_deref().map(model_name).transpose()?,
            message_count: count_from(row.message_count)?,
            totals: totals(row.input_tokens, row.output_tokens, row.cost_nanos)?,
            last_seq: Seq(row.last_seq),
            updated_at: row.updated_at.instant()?,
        })
    }
}

fn title(column: Option<&str>) -> Result<Option<Title>, StoredError> {
    column.map(Title::parse).transpose().map_err(|error| invalid("title", error))
}

fn totals(input: i64, output: i64, cost: i64) -> Result<Totals, StoredError> {
    Ok(Totals { input: count_from(input)?, output: count_from(output)?, cost: NanoDollars(cost) })
}
