//! Makes sure that a turn does not stay open which nobody knows of.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Job;
use super::order::{Outcome, Pending};
use crate::turns::finish::{CloseTurn, NotClosed};

/// When a turn is ended that may have been left open: first after so long, and then, as long as there is no such turn,
/// again, each time after twice as long: a database that was stopped may still carry out what it had received.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const TRIES: u32 = 9;

/// Ends a turn that was perhaps opened.
pub(super) fn start(queue: mpsc::WeakSender<Job>, order: CloseTurn) {
    #[expect(clippy::disallowed_methods, reason = "ends with the store, or after some minutes")]
    tokio::spawn(undo(queue, Arc::new(order)));
}

async fn undo(queue: mpsc::WeakSender<Job>, order: Arc<CloseTurn>) {
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        tokio::time::sleep(pause).await;
        pause *= 2;
        let Some(queue) = queue.upgrade() else { return };
        let (answer, waiting) = oneshot::channel();
        if queue.send(Job::Finish(Pending::new(Arc::clone(&order), answer))).await.is_err() {
            return;
        }
        drop(queue);
        match waiting.await {
            Ok(Ok(Outcome::Refused(NotClosed::Lost)) | Err(_)) => {}
            Ok(Ok(Outcome::Done(_) | Outcome::Refused(NotClosed::Ended))) | Err(_) => return,
        }
    }
}
