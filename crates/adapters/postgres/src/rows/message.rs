//! Rows of `messages`.

use domain::{
    ConversationId, Message, MessageId, MessageNumber, MessageState, ReplyFacts, Role, Seq, Timestamp,
    TurnId, WindowMessage,
};
use ports::Window;
use uuid::Uuid;

use super::{UsageColumns, count_from, model_name};
use crate::error::DbError;

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
    pub(crate) created_at: Timestamp,
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
            parts: stored::parts_from_json(&row.parts)?,
            state: message_state(&row.state)?,
            reply,
            created_at: row.created_at,
        })
    }
}

/// All messages that can be read. One that cannot must not take the rest of its conversation away.
pub(crate) fn readable_messages(rows: Vec<MessageRow>) -> Vec<Message> {
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let (conversation, seq) = (row.conversation_id, row.seq);
        match Message::try_from(row) {
            Ok(message) => messages.push(message),
            Err(fault) => unreadable(conversation, seq, &fault),
        }
    }
    messages
}

/// What `window_before` answers: a column each, newest message first.
#[derive(Debug)]
pub(crate) struct WindowColumns {
    pub(crate) seqs: Vec<i64>,
    pub(crate) turn_ids: Vec<Option<Uuid>>,
    pub(crate) roles: Vec<String>,
    pub(crate) states: Vec<String>,
    pub(crate) token_counts: Vec<i32>,
    pub(crate) parts: Vec<String>,
    pub(crate) has_older: bool,
}

impl WindowColumns {
    /// The window of so many messages at most, without what cannot be read.
    pub(crate) fn into_window(self, conversation: ConversationId, most: usize) -> Window {
        let Self { seqs, turn_ids, roles, states, token_counts, parts, has_older } = self;
        let rows =
            seqs.into_iter().zip(turn_ids).zip(roles).zip(states).zip(token_counts).zip(parts).take(most);
        let mut messages = Vec::with_capacity(rows.len());
        for (((((seq, turn), role), state), token_count), parts) in rows.rev() {
            match window_message(seq, turn, &role, &state, token_count, &parts) {
                Ok(message) => messages.push(message),
                Err(fault) => unreadable(conversation.0, seq, &fault),
            }
        }
        Window { messages, has_older }
    }
}

fn window_message(
    seq: i64,
    turn: Option<Uuid>,
    name: &str,
    state: &str,
    token_count: i32,
    parts: &str,
) -> Result<WindowMessage, DbError> {
    Ok(WindowMessage {
        seq: Seq(seq),
        turn: turn.map(TurnId),
        role: role(name)?,
        parts: stored::parts_from_json(parts)?,
        state: message_state(state)?,
        token_count: count_from(token_count.into())?,
    })
}

fn unreadable(conversation: Uuid, seq: i64, fault: &DbError) {
    tracing::error!(
        conversation.id = %conversation,
        message.seq = seq,
        error = ?fault,
        "message {seq} of conversation {conversation} cannot be read"
    );
}

fn role(name: &str) -> Result<Role, DbError> {
    Role::parse(name).ok_or_else(|| DbError::corrupt("role", name.to_owned()))
}

fn message_state(name: &str) -> Result<MessageState, DbError> {
    MessageState::parse(name).ok_or_else(|| DbError::corrupt("message state", name.to_owned()))
}
