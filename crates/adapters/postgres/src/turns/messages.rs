//! New messages of a batch of begins.

use stored::MessageToAppend;
use uuid::Uuid;

/// How many messages a begin appends.
pub(super) fn count_of(messages: &[MessageToAppend]) -> i32 {
    messages.len().try_into().unwrap_or(i32::MAX)
}

/// About how many bytes messages add to a statement.
pub(super) fn bytes_of(messages: &[MessageToAppend]) -> usize {
    messages.iter().map(|message| message.parts.len()).sum()
}

/// The messages of all begins of a batch: an array for each column. `ordinal` counts from 1 in each begin.
#[derive(Debug, Default)]
pub(super) struct MessageArrays<'a> {
    pub(super) turn: Vec<Uuid>,
    pub(super) ordinal: Vec<i64>,
    pub(super) id: Vec<Uuid>,
    pub(super) role: Vec<&'a str>,
    pub(super) token_count: Vec<i32>,
    pub(super) parts: Vec<&'a str>,
}

impl<'a> MessageArrays<'a> {
    pub(super) fn push(&mut self, turn: Uuid, messages: &'a [MessageToAppend]) {
        for (ordinal, message) in (1..).zip(messages) {
            self.turn.push(turn);
            self.ordinal.push(ordinal);
            self.id.push(message.id.0);
            self.role.push(message.role);
            self.token_count.push(message.token_count);
            self.parts.push(&message.parts);
        }
    }
}
