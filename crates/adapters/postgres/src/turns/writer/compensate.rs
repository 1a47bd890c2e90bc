//! Closes turns whose begin may have been committed without its caller learning of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::job::Job;
use super::op::Pending;
use crate::turns::finish::{CloseTurn, NotClosed};

/// The pause before the first try. As long as there is no such turn, it is tried again, each time after twice as long:
/// a database that was stopped may still execute what it had received.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const TRIES: u32 = 9;

/// Closes a turn that may have been opened.
pub(super) fn start(queue: mpsc::WeakSender<Job>, close: CloseTurn) {
    #[expect(clippy::disallowed_methods, reason = "ends with the store, or after some minutes")]
    tokio::spawn(compensate(queue, Arc::new(close)));
}

async fn compensate(queue: mpsc::WeakSender<Job>, close: Arc<CloseTurn>) {
    let mut pause = FIRST_PAUSE;
    for _ in 0..TRIES {
        tokio::time::sleep(pause).await;
        pause *= 2;
        let Some(queue) = queue.upgrade() else { return };
        let (reply, waiting) = oneshot::channel();
        if queue.send(Pending::new(Arc::clone(&close), reply).into()).await.is_err() {
            return;
        }
        drop(queue);
        match waiting.await {
            Ok(Ok(Err(NotClosed::Lost)) | Err(_)) => {}
            Ok(Ok(Ok(_) | Err(NotClosed::Ended))) | Err(_) => return,
        }
    }
}
