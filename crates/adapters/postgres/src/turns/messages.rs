//! New messages of a group of begins, as columns.

use domain::NewMessage;
use uuid::Uuid;

use crate::rows::count_to;

/// A message to be appended, with its parts as they are stored.
#[derive(Debug)]
pub(crate) struct MessageToAppend {
    id: Uuid,
    role: &'static str,
    token_count: i32,
    parts: String,
}

impl From<&NewMessage> for MessageToAppend {
    fn from(message: &NewMessage) -> Self {
        Self {
            id: message.id.0,
            role: message.role.as_str(),
            token_count: count_to(message.token_count(), i32::MAX),
            parts: stored::parts_to_json(&message.parts),
        }
    }
}

impl MessageToAppend {
    /// What it takes of a statement.
    pub(super) fn bytes(&self) -> usize {
        self.parts.len()
    }
}

/// The messages of all turns of a group; `ordinal` counts from 1 in each.
#[derive(Debug, Default)]
pub(super) struct MessageColumns<'a> {
    pub(super) turn: Vec<Uuid>,
    pub(super) ordinal: Vec<i64>,
    pub(super) id: Vec<Uuid>,
    pub(super) role: Vec<&'a str>,
    pub(super) token_count: Vec<i32>,
    pub(super) parts: Vec<&'a str>,
}

impl<'a> MessageColumns<'a> {
    pub(super) fn push(&mut self, turn: Uuid, messages: &'a [MessageToAppend]) {
        for (ordinal, message) in (1..).zip(messages) {
            self.turn.push(turn);
            self.ordinal.push(ordinal);
            self.id.push(message.id);
            self.role.push(message.role);
            self.token_count.push(message.token_count);
            self.parts.push(&message.parts);
        }
    }
}
