//! Rows of `messages`.

use domain::{
    ConversationId, Message, MessageId, MessageNumber, MessageState, NewMessage, Reply, ReplyFacts, Role,
    Seq, TurnId, Usage, WindowMessage, message,
};
use uuid::Uuid;

use crate::columns::{model_name, token_count};
use crate::enums::unknown;
use crate::{
    StoredError, StoredTime, UsageColumns, count_from, lengths_to_bytes, parts_from_json, parts_to_json,
};

/// A row of `messages`, and of its turn where the message is that turn's reply; `T` is a time as the store keeps it.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct MessageColumns<T> {
    pub id: Uuid,
    pub number: i64,
    pub conversation_id: Uuid,
    pub seq: i64,
    pub parent: Option<i64>,
    pub turn_id: Option<Uuid>,
    pub role: String,
    pub parts: String,
    pub state: String,
    pub created_at: T,
    pub model: Option<String>,
    pub input_tokens: Option<i64>,
    pub cached_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    pub usage_estimated: Option<bool>,
    pub response_time_ms: Option<i64>,
}

impl<T> MessageColumns<T> {
    fn reply_facts(&self) -> Result<Option<ReplyFacts>, StoredError> {
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

impl<T: StoredTime> TryFrom<MessageColumns<T>> for Message {
    type Error = StoredError;

    fn try_from(row: MessageColumns<T>) -> Result<Self, StoredError> {
        let reply = row.reply_facts()?;
        Ok(Self {
            id: MessageId(row.id),
            number: MessageNumber(row.number),
            conversation: ConversationId(row.conversation_id),
            seq: Seq(row.seq),
            parent: row.parent.map(Seq),
            turn: row.turn_id.map(TurnId),
            role: role(&row.role)?,
            parts: parts_from_json(&row.parts)?,
            state: message_state(&row.state)?,
            reply,
            created_at: row.created_at.instant()?,
        })
    }
}

/// A message of a window, as columns of `messages`.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the column of this name")]
pub struct WindowColumns {
    pub seq: i64,
    pub turn_id: Option<Uuid>,
    pub role: String,
    pub state: String,
    pub token_count: i64,
    pub parts: String,
}

impl TryFrom<WindowColumns> for WindowMessage {
    type Error = StoredError;

    fn try_from(row: WindowColumns) -> Result<Self, StoredError> {
        Ok(Self {
            seq: Seq(row.seq),
            turn: row.turn_id.map(TurnId),
            role: role(&row.role)?,
            parts: parts_from_json(&row.parts)?,
            state: message_state(&row.state)?,
            token_count: count_from(row.token_count)?,
        })
    }
}

/// A message to be appended, with its parts as they are stored.
#[derive(Debug)]
pub struct MessageToAppend {
    /// The id.
    pub id: MessageId,
    /// The word for the author's role.
    pub role: &'static str,
    /// The estimated number of its tokens.
    pub token_count: i32,
    /// The parts, as JSON.
    pub parts: String,
}

impl From<NewMessage> for MessageToAppend {
    fn from(message: NewMessage) -> Self {
        Self {
            id: message.id,
            role: message.role.as_str(),
            token_count: token_count(message.token_count()),
            parts: parts_to_json(&message.parts),
        }
    }
}

/// How many of the messages are replies: with each, an exchange is complete.
#[must_use]
pub fn reply_count(messages: &[MessageToAppend]) -> u32 {
    let replies = messages.iter().filter(|message| message.role == Role::Assistant.as_str()).count();
    u32::try_from(replies).unwrap_or(u32::MAX)
}

/// The reply of a turn that is closed, with its parts as they are stored.
#[derive(Debug)]
pub struct ReplyToAppend {
    /// The id of its message.
    pub id: MessageId,
    /// The number of its tokens: as the provider counted them, else estimated.
    pub token_count: i32,
    /// The parts, as JSON.
    pub parts: String,
    /// The lengths of its deltas.
    pub lengths: Vec<u8>,
}

impl ReplyToAppend {
    /// The row of a reply; `None` where the reply says nothing.
    #[must_use]
    pub fn of(id: MessageId, reply: &Reply, usage: Usage) -> Option<Self> {
        if !reply.has_content() {
            return None;
        }
        let token_count = match usage.output {
            0 => token_count(message::token_count(reply.parts())),
            counted => token_count(counted),
        };
        let (parts, lengths) = (parts_to_json(reply.parts()), lengths_to_bytes(reply.lengths()));
        Some(Self { id, token_count, parts, lengths })
    }
}

fn role(name: &str) -> Result<Role, StoredError> {
    Role::parse(name).ok_or_else(|| unknown("role", name))
}

fn message_state(name: &str) -> Result<MessageState, StoredError> {
    MessageState::parse(name).ok_or_else(|| unknown("message state", name))
}
