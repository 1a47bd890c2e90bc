//! Batches of messages: what both stores make of the rows of a list.

use domain::{ConversationId, Message, MessagePage, Seq, SortOrder};
use ports::{LastPage, MessageBatch, MessagesOfSeveral};

use crate::{MessageColumns, StoredTime, readable};

/// A message of a list, and how many there are: the rows of the list that fit the number asked for, and one more if
/// there is one. Rows beyond the bound of bytes are counted, but not returned.
#[derive(Debug)]
pub struct ListedColumns<T> {
    /// How many there are.
    pub found: i64,
    /// The message.
    pub message: MessageColumns<T>,
}

/// Takes [`ListedColumns`] out of a row that has the columns of a message, and `found`.
#[macro_export]
macro_rules! listed_columns {
    ($row:ident) => {
        $crate::ListedColumns {
            found: $row.found,
            message: $crate::MessageColumns {
                id: $row.id,
                number: $row.number,
                conversation_id: $row.conversation_id,
                seq: $row.seq,
                parent: $row.parent,
                turn_id: $row.turn_id,
                role: $row.role,
                parts: $row.parts,
                state: $row.state,
                created_at: $row.created_at,
                model: $row.model,
                input_tokens: $row.input_tokens,
                cached_tokens: $row.cached_tokens,
                output_tokens: $row.output_tokens,
                reasoning_tokens: $row.reasoning_tokens,
                usage_estimated: $row.usage_estimated,
                response_time_ms: $row.response_time_ms,
            },
        }
    };
}

/// The first rows of a page. Positions are taken from the rows, because some of them may not be readable as messages.
#[must_use]
pub fn message_batch<T: StoredTime>(rows: Vec<ListedColumns<T>>, page: MessagePage) -> MessageBatch {
    let found = rows.first().map_or(0, |row| row.found);
    let read = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let left = page.limit.map(|limit| limit.saturating_sub(read));
    let is_cut = i64::from(read) < found && left != Some(0);
    let last = rows.last().filter(|_| is_cut).map(|row| Seq(row.message.seq));
    MessageBatch {
        rest: last.map(|last| MessagePage { limit: left, after: Some(last), ..page }),
        has_more: page.limit.is_some_and(|limit| i64::from(limit) < found),
        messages: readable_messages(rows),
    }
}

/// The first rows of the messages of several conversations.
#[must_use]
pub fn messages_of_several<T: StoredTime>(rows: Vec<ListedColumns<T>>) -> MessagesOfSeveral {
    let is_cut = rows.first().is_some_and(|row| i64::try_from(rows.len()).is_ok_and(|read| read < row.found));
    let last = rows.last().filter(|_| is_cut);
    let cut = last.map(|row| (ConversationId(row.message.conversation_id), Seq(row.message.seq)));
    MessagesOfSeveral { cut, messages: readable_messages(rows) }
}

fn readable_messages<T: StoredTime>(rows: Vec<ListedColumns<T>>) -> Vec<Message> {
    let rows = rows.into_iter().map(|row| row.message).collect();
    readable(rows, "message", |row| row.id)
}

/// The last messages of a page, of which `found` were looked at: as many as its limit, and one more if there is one.
/// `ends` are the lowest and the highest position of these.
#[must_use]
pub fn last_page(page: MessagePage, found: i64, ends: Option<(i64, i64)>) -> LastPage {
    let Some((lowest, highest)) = ends else {
        return LastPage { page: page.without_messages(), has_more: false };
    };
    let has_more = page.limit.is_some_and(|limit| i64::from(limit) < found);
    let (first, past_last) = match page.order {
        SortOrder::Ascending => (lowest, highest.saturating_add(1)),
        SortOrder::Descending => (highest, lowest.saturating_sub(1)),
    };
    let after = if has_more { Some(Seq(first)) } else { page.after };
    LastPage { page: MessagePage { limit: None, after, before: Some(Seq(past_last)), ..page }, has_more }
}
