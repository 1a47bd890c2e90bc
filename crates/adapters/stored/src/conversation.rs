//! Rows of `conversations`.

use domain::conversation::Summary;
use domain::{
    Conversation, ConversationChange, ConversationId, ConversationNumber, HistoryLocation, JsonText, Label,
    NanoDollars, PersonaId, ProjectId, Seq, Title, Totals, TurnId, UserId,
};
use uuid::Uuid;

use crate::columns::{invalid, model_name};
use crate::{StoredError, StoredTime, contract_from, count_from};

/// A row of `conversations`; `T` is a time as the store keeps it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct ConversationColumns<T> {
    pub id: Uuid,
    pub number: i64,
    pub owner: i64,
    pub persona_id: Option<i64>,
    pub application_id: Option<i64>,
    pub running_turn: Option<Uuid>,
    pub last_seq: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cost_nanos: i64,
    pub created_at: T,
    pub updated_at: T,
    pub summary_updated_at: Option<T>,
    pub message_count: i64,
    pub summary_message_count: i64,
    pub active: bool,
    pub begun_by: String,
    pub provider_id: Option<String>,
    pub model: Option<String>,
    pub last_model: Option<String>,
    pub label: String,
    pub project: Option<String>,
    pub title: Option<String>,
    pub metadata: String,
    pub summary: Option<String>,
}

/// Takes [`ConversationColumns`] out of a row that has these columns among others.
#[macro_export]
macro_rules! conversation_columns {
    ($row:ident) => {
        $crate::ConversationColumns {
            id: $row.id,
            number: $row.number,
            owner: $row.owner,
            persona_id: $row.persona_id,
            application_id: $row.application_id,
            running_turn: $row.running_turn,
            last_seq: $row.last_seq,
            input_tokens: $row.input_tokens,
            output_tokens: $row.output_tokens,
            cost_nanos: $row.cost_nanos,
            created_at: $row.created_at,
            updated_at: $row.updated_at,
            summary_updated_at: $row.summary_updated_at,
            message_count: $row.message_count,
            summary_message_count: $row.summary_message_count,
            active: $row.active,
            begun_by: $row.begun_by,
            provider_id: $row.provider_id,
            model: $row.model,
            last_model: $row.last_model,
            label: $row.label,
            project: $row.project,
            title: $row.title,
            metadata: $row.metadata,
            summary: $row.summary,
        }
    };
}

impl<T: StoredTime> TryFrom<ConversationColumns<T>> for Conversation {
    type Error = StoredError;

    fn try_from(row: ConversationColumns<T>) -> Result<Self, StoredError> {
        let summary = match (row.summary, row.summary_updated_at) {
            (Some(text), Some(updated_at)) => Some(Summary {
                text,
                message_count: count_from(row.summary_message_count)?,
                updated_at: updated_at.instant()?,
            }),
            (None, _) | (_, None) => None,
        };
        let project = row.project.as_deref().map(ProjectId::parse).transpose();
        Ok(Self {
            id: ConversationId(row.id),
            number: ConversationNumber(row.number),
            owner: UserId(row.owner),
            label: Label::parse(&row.label).map_err(|error| invalid("label", error))?,
            project: project.map_err(|error| invalid("project", error))?,
            persona: row.persona_id.map(PersonaId),
            begun_by: contract_from(&row.begun_by)?,
            home: row.provider_id.map_or(HistoryLocation::Local, HistoryLocation::OpenAi),
            title: title(row.title.as_deref())?,
            model: row.model.as_deref().map(model_name).transpose()?,
            last_model: row.last_model.as_deref().map(model_name).transpose()?,
            metadata: JsonText::from_parsed(without_spaces(&row.metadata)),
            summary,
            application: row.application_id,
            active: row.active,
            message_count: count_from(row.message_count)?,
            totals: totals(row.input_tokens, row.output_tokens, row.cost_nanos)?,
            last_seq: Seq(row.last_seq),
            running: row.running_turn.map(TurnId),
            created_at: row.created_at.instant()?,
            updated_at: row.updated_at.instant()?,
        })
    }
}

/// JSON without the spaces that `jsonb` of PostgreSQL writes between tokens, so that both stores return the same text.
fn without_spaces(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for character in json.chars() {
        if in_string || character != ' ' {
            text.push(character);
        }
        let ends_or_begins = character == '"' && !escaped;
        in_string ^= ends_or_begins;
        escaped = character == '\\' && !escaped;
    }
    text
}

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

impl<T: StoredTime> ChangeColumns<T> {
    /// How the end of this turn changed its conversation. `None` if the columns cannot be read, which is logged: the
    /// turn has ended all the same.
    #[must_use]
    pub fn after_end_of(self, turn: TurnId) -> Option<Box<ConversationChange>> {
        match ConversationChange::try_from(self) {
            Ok(change) => Some(Box::new(change)),
            Err(error) => {
                tracing::error!(turn.id = %turn, ?error, "the conversation of the ended turn {turn} cannot be read");
                None
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spaces_between_the_tokens_of_json_are_removed() {
        let written = r#"{"a b": [1, 2], "c\" d": {"e": "f, g: h\\"}, "i": " "}"#;
        assert_eq!(without_spaces(written), r#"{"a b":[1,2],"c\" d":{"e":"f, g: h\\"},"i":" "}"#);
    }
}
