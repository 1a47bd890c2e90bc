//! Stops the turn of a conversation. What the model wrote so far is kept.

use std::sync::Arc;
use std::time::Duration;

use domain::{Caller, ConversationKey, TurnId};
use ports::{StopOutcome, StoreError};

use super::{Turns, WatchError};

/// What a stop came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The turn that was told to stop; `None` where none ran.
    pub turn: Option<TurnId>,
}

/// How long an answer waits for the partial text to be in the history.
const SETTLE: Duration = Duration::from_secs(2);

impl Turns {
    /// Stops the conversation's turn, whichever process runs it.
    ///
    /// # Errors
    /// [`WatchError::NoConversation`] where there is no such conversation of the caller's.
    pub async fn stop(&self, caller: &Caller, key: ConversationKey) -> Result<Stopped, WatchError> {
        let store = Arc::clone(&self.inner.store);
        let user = caller.user;
        let asked: Result<StopOutcome, StoreError> =
            self.inner.tasks.run(async move { store.request_stop(user, key).await }).await;
        match asked? {
            StopOutcome::NotFound => Err(WatchError::NoConversation),
            StopOutcome::Idle => Ok(Stopped { turn: None }),
            StopOutcome::Asked(turn) => {
                self.stop_here(turn).await;
                Ok(Stopped { turn: Some(turn) })
            }
        }
    }

    /// Stops a turn that runs in this process, and waits a little until its text is kept.
    pub(crate) async fn stop_here(&self, turn: TurnId) {
        let Some(live) = self.inner.live.find(turn) else { return };
        live.stop.cancel();
        let mut listener = live.log.listen(0);
        drop(live);
        // Past that time the turn still ends as stopped; only this answer comes before it.
        let _ = tokio::time::timeout(SETTLE, listener.ended()).await;
    }
}
