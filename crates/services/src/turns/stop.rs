//! Stops the turn of a conversation. The text so far is stored.

use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, ConversationKey, TurnId};
use ports::StopOutcome;

use super::{Turns, WatchError};

/// How long a stop waits until the partial text is stored.
const WAIT_FOR_END: Duration = Duration::from_secs(2);

impl Turns {
    /// Stops the conversation's turn, in any process. Returns it, or `None` if none was running.
    ///
    /// # Errors
    /// [`WatchError::NoConversation`] if the caller has no such conversation.
    pub async fn stop(&self, caller: &Caller, key: ConversationKey) -> Result<Option<TurnId>, WatchError> {
        let (store, user) = (Arc::clone(&self.inner.setup.turns), caller.user);
        match self.inner.setup.tasks.run(async move { store.request_stop(user, key).await }).await? {
            StopOutcome::NotFound => Err(WatchError::NoConversation),
            StopOutcome::Idle => Ok(None),
            StopOutcome::Asked(turn) => {
                self.stop_here(turn).await;
                Ok(Some(turn))
            }
        }
    }

    /// Stops a turn of this process, and waits a little until its text is stored.
    pub(crate) async fn stop_here(&self, turn: TurnId) {
        let Some(live) = self.inner.live.find(turn) else { return };
        live.stop.cancel();
        let mut listener = live.log.listen(0);
        drop(live);
        // After that time the turn still ends as stopped, but this response comes before it.
        let _ = tokio::time::timeout(WAIT_FOR_END, listener.ended()).await;
    }
}
