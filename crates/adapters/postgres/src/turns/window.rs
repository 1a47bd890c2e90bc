//! Windows: pages of the active path for requests to a model.

use domain::limits::{WINDOW_BYTES, WINDOW_MESSAGES};
use domain::{ConversationId, Seq};
use ports::Window;
use uuid::Uuid;

use crate::PostgresStore;
use crate::error::DbError;
use crate::rows::WindowArrays;

/// The limits of a window as arguments of a statement: messages, bytes.
pub(super) const WINDOW: (i32, i32) = (WINDOW_MESSAGES.cast_signed(), WINDOW_BYTES.cast_signed());

impl PostgresStore {
    pub(super) async fn read_window(
        &self,
        conversation: ConversationId,
        before: Seq,
    ) -> Result<Window, DbError> {
        let (messages, bytes) = WINDOW;
        let read = |pool| {
            sqlx::query_as!(
                WindowArrays,
                r#"SELECT w.seqs AS "seqs!", w.turn_ids AS "turn_ids!: Vec<Option<Uuid>>", w.roles AS "roles!",
                     w.states AS "states!", w.token_counts AS "token_counts!", w.parts AS "parts!",
                     w.has_older AS "has_older!"
                   FROM omnichat.window_before($1, $2, $3, $4) w"#,
                conversation.0,
                before.0,
                messages,
                bytes,
            )
            .fetch_one(pool)
        };
        Ok(self.pool.run(read).await?.into_window(WINDOW_MESSAGES as usize)?)
    }
}
