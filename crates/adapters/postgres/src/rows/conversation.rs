//! Rows of `conversations` and `personas`.

use domain::conversation::Summary;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationNumber, HistoryLocation, JsonText, Label,
    NanoDollars, Persona, PersonaId, ProjectId, Relation, Seq, Timestamp, Title, Totals, TurnId, UserId,
};
use sqlx::FromRow;
use uuid::Uuid;

use super::{count_from, model_name};
use crate::error::DbError;

/// A row of `conversations`, with its metadata as text.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ConversationRow {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) owner: i64,
    pub(crate) persona_id: Option<i64>,
    pub(crate) application_id: Option<i64>,
    pub(crate) running_turn: Option<Uuid>,
    pub(crate) last_seq: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cost_nanos: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) summary_updated_at: Option<Timestamp>,
    pub(crate) message_count: i32,
    pub(crate) summary_message_count: i32,
    pub(crate) active: bool,
    pub(crate) begun_by: String,
    pub(crate) provider_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) last_model: Option<String>,
    pub(crate) label: String,
    pub(crate) project: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) metadata: String,
    pub(crate) summary: Option<String>,
}

/// Takes a [`ConversationRow`] out of a row that has its columns among others.
macro_rules! conversation_row {
    ($row:ident) => {
        $crate::rows::ConversationRow {
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
pub(crate) use conversation_row;

/// A statement that answers conversations: `$head` is what stands before its `SELECT`, `$tail` what follows the
/// columns of `c`.
macro_rules! select_conversations {
    ($head:literal, $tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::rows::ConversationRow,
            $head
                + r#" SELECT c.id AS "id!", c.number AS "number!", c.owner AS "owner!", c.persona_id, c.application_id,
                        c.running_turn, c.last_seq AS "last_seq!", c.input_tokens AS "input_tokens!",
                        c.output_tokens AS "output_tokens!", c.cost_nanos AS "cost_nanos!",
                        c.created_at AS "created_at!", c.updated_at AS "updated_at!", c.summary_updated_at,
                        c.message_count AS "message_count!", c.summary_message_count AS "summary_message_count!",
                        c.active AS "active!", c.begun_by AS "begun_by!", c.provider_id, c.model, c.last_model,
                        c.label AS "label!", c.project, c.title, c.metadata::text AS "metadata!", c.summary "#
                + $tail
            $(, $argument)*
        )
    };
}
pub(crate) use select_conversations;

impl TryFrom<ConversationRow> for Conversation {
    type Error = DbError;

    fn try_from(row: ConversationRow) -> Result<Self, DbError> {
        let summary = match (row.summary, row.summary_updated_at) {
            (Some(text), Some(updated_at)) => Some(Summary {
                text,
                message_count: count_from(row.summary_message_count.into())?,
                updated_at,
            }),
            (None, _) | (_, None) => None,
        };
        let project = |project: String| ProjectId::parse(&project);
        Ok(Self {
            id: ConversationId(row.id),
            number: ConversationNumber(row.number),
            owner: UserId(row.owner),
            label: Label::parse(&row.label).map_err(|error| DbError::corrupt("label", error))?,
            project: row
                .project
                .map(project)
                .transpose()
                .map_err(|error| DbError::corrupt("project", error))?,
            persona: row.persona_id.map(PersonaId),
            begun_by: stored::contract_from(&row.begun_by)
                .map_err(|error| DbError::corrupt("contract", error))?,
            home: row.provider_id.map_or(HistoryLocation::Local, HistoryLocation::OpenAi),
            title: row
                .title
                .map(|title| Title::parse(&title))
                .transpose()
                .map_err(|error| DbError::corrupt("title", error))?,
            model: row.model.as_deref().map(model_name).transpose()?,
            last_model: row.last_model.as_deref().map(model_name).transpose()?,
            metadata: JsonText::from_parsed(without_spaces(&row.metadata)),
            summary,
            application: row.application_id,
            active: row.active,
            message_count: count_from(row.message_count.into())?,
            totals: Totals {
                input: count_from(row.input_tokens)?,
                output: count_from(row.output_tokens)?,
                cost: NanoDollars(row.cost_nanos),
            },
            last_seq: Seq(row.last_seq),
            running: row.running_turn.map(TurnId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// JSON without the spaces that PostgreSQL writes between its pieces.
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

/// A key as the three columns that it may stand in; only one is set.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumns {
    pub(crate) id: Option<Uuid>,
    pub(crate) number: Option<i64>,
    pub(crate) provider_id: Option<String>,
}

impl From<ConversationKey> for KeyColumns {
    fn from(key: ConversationKey) -> Self {
        let none = Self { id: None, number: None, provider_id: None };
        match key {
            ConversationKey::Id(id) => Self { id: Some(id.0), ..none },
            ConversationKey::Number(number) => Self { number: Some(number.0), ..none },
            ConversationKey::Provider(id) => Self { provider_id: Some(id), ..none },
        }
    }
}

/// What a turn needs of a persona; absent where the conversation has none.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spaces_between_the_pieces_of_json_go() {
        let written = r#"{"a b": [1, 2], "c\" d": {"e": "f, g: h\\"}, "i": " "}"#;
        assert_eq!(without_spaces(written), r#"{"a b":[1,2],"c\" d":{"e":"f, g: h\\"},"i":" "}"#);
    }
}
