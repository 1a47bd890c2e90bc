//! Asks the process that runs a turn to stop it.

use domain::{TurnId, UserId};
use ports::{Access, StopOutcome};
use sqlx::SqliteConnection;
use stored::KeyColumns;

use crate::conversations::row_of;
use crate::error::DbError;
use crate::rows::ConversationRow;

/// Asks for the running turn of a conversation to be stopped.
pub(super) async fn request(
    connection: &mut SqliteConnection,
    caller: UserId,
    key: KeyColumns,
) -> Result<StopOutcome, DbError> {
    let row = match ConversationRow::visible(row_of(&mut *connection, &key).await?, caller) {
        Access::Granted(row) => row.columns,
        Access::Foreign | Access::Absent => return Ok(StopOutcome::NotFound),
    };
    let Some(turn) = row.running_turn else { return Ok(StopOutcome::Idle) };
    sqlx::query!("UPDATE turns SET stop_requested = 1 WHERE id = ?1 AND state = 'running'", turn)
        .execute(connection)
        .await?;
    Ok(StopOutcome::Asked(TurnId(turn)))
}
