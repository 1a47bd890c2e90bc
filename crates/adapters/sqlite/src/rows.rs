//! Rows of the tables and what they become in the domain.

use domain::conversation::Summary;
use domain::{
    Conversation, ConversationId, ConversationKey, ConversationNumber, EndState, Ending, HistoryLocation,
    JsonText, Label, Message, MessageId, MessageNumber, MessageState, ModelName, NanoDollars, Part, Persona,
    PersonaId, ProjectId, Relation, ReplyFacts, Role, Seq, Title, Totals, TurnId, Usage, UserId,
    WindowMessage,
};
use sqlx::FromRow;
use stored::StoredEnd;
use uuid::Uuid;

use crate::error::DbError;
use crate::values::{count_from, instant};

/// A row of `conversations`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ConversationRow {
    pub(crate) number: i64,
    pub(crate) id: Uuid,
    pub(crate) owner: i64,
    pub(crate) deleted_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) running_turn: Option<Uuid>,
    pub(crate) last_seq: i64,
    pub(crate) head_seq: i64,
    pub(crate) message_count: i64,
    pub(crate) input_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) cost_nanos: i64,
    pub(crate) active: bool,
    pub(crate) persona_id: Option<i64>,
    pub(crate) application_id: Option<i64>,
    pub(crate) begun_by: String,
    pub(crate) provider_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) last_model: Option<String>,
    pub(crate) label: String,
    pub(crate) project: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) summary_message_count: i64,
    pub(crate) summary_updated_at: Option<i64>,
    pub(crate) metadata: String,
    pub(crate) summary: Option<String>,
    pub(crate) files: i64,
}

/// `SELECT` of whole conversations; takes the end of the statement and its arguments.
macro_rules! select_conversations {
    ($tail:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::rows::ConversationRow,
            r#"SELECT number AS "number!", id AS "id: uuid::Uuid", owner, deleted_at, created_at, updated_at,
                 running_turn AS "running_turn: uuid::Uuid", last_seq, head_seq, message_count, input_tokens,
                 output_tokens, cost_nanos, active AS "active: bool", persona_id, application_id, begun_by,
                 provider_id, model, last_model, label, project, title, summary_message_count,
                 summary_updated_at, metadata, summary, files
               FROM conversations "# + $tail
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
                message_count: count_from(row.summary_message_count)?,
                updated_at: instant(updated_at)?,
            }),
            (None, _) | (_, None) => None,
        };
        Ok(Self {
            id: ConversationId(row.id),
            number: ConversationNumber(row.number),
            owner: UserId(row.owner),
            label: Label::parse(&row.label).map_err(|error| DbError::corrupt("label", error))?,
            project: row
                .project
                .map(|project| ProjectId::parse(&project).map_err(|error| DbError::corrupt("project", error)))
                .transpose()?,
            persona: row.persona_id.map(PersonaId),
            begun_by: stored::contract_from(&row.begun_by)
                .map_err(|error| DbError::corrupt("contract", error))?,
            home: row.provider_id.map_or(HistoryLocation::Local, HistoryLocation::OpenAi),
            title: row
                .title
                .map(|title| Title::parse(&title).map_err(|error| DbError::corrupt("title", error)))
                .transpose()?,
            model: row.model.as_deref().map(model_name).transpose()?,
            last_model: row.last_model.as_deref().map(model_name).transpose()?,
            metadata: JsonText::from_parsed(row.metadata),
            summary,
            application: row.application_id,
            active: row.active,
            message_count: count_from(row.message_count)?,
            totals: Totals {
                input: count_from(row.input_tokens)?,
                output: count_from(row.output_tokens)?,
                cost: NanoDollars(row.cost_nanos),
            },
            last_seq: Seq(row.last_seq),
            running: row.running_turn.map(TurnId),
            created_at: instant(row.created_at)?,
            updated_at: instant(row.updated_at)?,
        })
    }
}

pub(crate) fn model_name(name: &str) -> Result<ModelName, DbError> {
    ModelName::parse(name).map_err(|error| DbError::corrupt("model name", error))
}

/// A key as the three columns that it may stand in; only one is set.
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

/// A row of `personas`.
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

/// A row of `messages`, with its turn where it is the turn's reply.
#[derive(Debug)]
pub(crate) struct MessageRow {
    pub(crate) id: Uuid,
    pub(crate) number: i64,
    pub(crate) conversation_id: Uuid,
    pub(crate) seq: i64,
    pub(crate) parent: Option<i64>,
    pub(crate) turn_id: Option<Uuid>,
    pub(crate) role: String,
    pub(crate) parts: String,
    pub(crate) state: String,
    pub(crate) created_at: i64,
    pub(crate) model: Option<String>,
    pub(crate) input_tokens: Option<i64>,
    pub(crate) cached_tokens: Option<i64>,
    pub(crate) output_tokens: Option<i64>,
    pub(crate) reasoning_tokens: Option<i64>,
    pub(crate) usage_estimated: Option<bool>,
    pub(crate) response_time_ms: Option<i64>,
}

impl MessageRow {
    fn reply_facts(&self) -> Result<Option<ReplyFacts>, DbError> {
        let Some(model) = &self.model else { return Ok(None) };
        let usage = UsageColumns {
            input: self.input_tokens.unwrap_or_default(),
            cached: self.cached_tokens.unwrap_or_default(),
            output: self.output_tokens.unwrap_or_default(),
            reasoning: self.reasoning_tokens.unwrap_or_default(),
            estimated: self.usage_estimated.unwrap_or_default(),
        };
        Ok(Some(ReplyFacts {
            model: model_name(model)?,
            usage: usage.try_into()?,
            response_time_ms: count_from(self.response_time_ms.unwrap_or_default())?,
        }))
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = DbError;

    fn try_from(row: MessageRow) -> Result<Self, DbError> {
        let reply = row.reply_facts()?;
        Ok(Self {
            id: MessageId(row.id),
            number: MessageNumber(row.number),
            conversation: ConversationId(row.conversation_id),
            seq: Seq(row.seq),
            parent: row.parent.map(Seq),
            turn: row.turn_id.map(TurnId),
            role: role(&row.role)?,
            parts: parts(&row.parts)?,
            state: message_state(&row.state)?,
            reply,
            created_at: instant(row.created_at)?,
        })
    }
}

/// A message of a window; `oldest` is the first place that the window could have begun at.
#[derive(Debug)]
pub(crate) struct WindowRow {
    pub(crate) seq: i64,
    pub(crate) turn_id: Option<Uuid>,
    pub(crate) role: String,
    pub(crate) parts: String,
    pub(crate) state: String,
    pub(crate) token_count: i64,
    pub(crate) oldest: i64,
}

impl TryFrom<WindowRow> for WindowMessage {
    type Error = DbError;

    fn try_from(row: WindowRow) -> Result<Self, DbError> {
        Ok(Self {
            seq: Seq(row.seq),
            turn: row.turn_id.map(TurnId),
            role: role(&row.role)?,
            parts: parts(&row.parts)?,
            state: message_state(&row.state)?,
            token_count: count_from(row.token_count)?,
        })
    }
}

/// What a call consumed, as five columns.
pub(crate) struct UsageColumns {
    pub(crate) input: i64,
    pub(crate) cached: i64,
    pub(crate) output: i64,
    pub(crate) reasoning: i64,
    pub(crate) estimated: bool,
}

impl TryFrom<UsageColumns> for Usage {
    type Error = DbError;

    fn try_from(columns: UsageColumns) -> Result<Self, DbError> {
        Ok(Self {
            input: count_from(columns.input)?,
            cached_input: count_from(columns.cached)?,
            output: count_from(columns.output)?,
            reasoning: count_from(columns.reasoning)?,
            estimated: columns.estimated,
        })
    }
}

/// The columns of `turns` that say how a turn ended.
#[derive(Debug)]
pub(crate) struct EndingRow {
    pub(crate) state: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) failure: Option<String>,
    pub(crate) retry_after_ms: Option<i64>,
    pub(crate) input_tokens: i64,
    pub(crate) cached_tokens: i64,
    pub(crate) output_tokens: i64,
    pub(crate) reasoning_tokens: i64,
    pub(crate) usage_estimated: bool,
    pub(crate) cost_nanos: i64,
    pub(crate) response_time_ms: i64,
    pub(crate) finished_at: Option<i64>,
}

impl TryFrom<EndingRow> for Ending {
    type Error = DbError;

    /// Without its reply, which another row knows.
    fn try_from(row: EndingRow) -> Result<Self, DbError> {
        let end = StoredEnd {
            state: &row.state,
            finish_reason: row.finish_reason.as_deref(),
            failure: row.failure.as_deref(),
            retry_after_ms: row.retry_after_ms,
        };
        let state = EndState::try_from(end).map_err(|error| DbError::corrupt("turn", error))?;
        let usage = UsageColumns {
            input: row.input_tokens,
            cached: row.cached_tokens,
            output: row.output_tokens,
            reasoning: row.reasoning_tokens,
            estimated: row.usage_estimated,
        };
        let finished_at = row.finished_at.ok_or_else(|| DbError::corrupt("turn", "it has no end"))?;
        Ok(Self {
            state,
            reply: None,
            usage: usage.try_into()?,
            cost: NanoDollars(row.cost_nanos),
            response_time_ms: count_from(row.response_time_ms)?,
            at: instant(finished_at)?,
        })
    }
}

fn role(name: &str) -> Result<Role, DbError> {
    Role::parse(name).ok_or_else(|| DbError::corrupt("role", name.to_owned()))
}

fn message_state(name: &str) -> Result<MessageState, DbError> {
    MessageState::parse(name).ok_or_else(|| DbError::corrupt("message state", name.to_owned()))
}

fn parts(json: &str) -> Result<Vec<Part>, DbError> {
    Ok(stored::parts_from_json(json)?)
}
