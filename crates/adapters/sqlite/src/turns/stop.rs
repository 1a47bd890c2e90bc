//! Asks the process that runs a turn to stop it.

use async_trait::async_trait;
use domain::{TurnId, UserId};
use ports::{Access, StopOutcome};
use sqlx::SqliteConnection;

use crate::conversations::{row_of, visible};
use crate::error::DbError;
use crate::rows::KeyColumns;
use crate::writer::Write;

/// Asks for the turn of a conversation.
pub(super) struct RequestStop {
    pub(super) caller: UserId,
    pub(super) key: KeyColumns,
}

#[async_trait]
impl Write for RequestStop {
    type Answer = StopOutcome;

    async fn run(&self, connection: &mut SqliteConnection) -> Result<StopOutcome, DbError> {
        let row = match visible(row_of(&mut *connection, &self.key).await?, self.caller) {
            Access::Granted(row) => row,
            Access::Foreign | Access::Absent => return Ok(StopOutcome::NotFound),
        };
        let Some(turn) = row.running_turn else { return Ok(StopOutcome::Idle) };
        sqlx::query!("UPDATE turns SET stop_requested = 1 WHERE id = ?1 AND state = 'running'", turn)
            .execute(connection)
            .await?;
        Ok(StopOutcome::Asked(TurnId(turn)))
    }
}
