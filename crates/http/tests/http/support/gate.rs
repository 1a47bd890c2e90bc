//! A point at which the model waits until the test lets it go on.

use std::sync::Arc;

use tokio::sync::Notify;

/// A gate for one model call.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Sides>);

#[derive(Debug, Default)]
struct Sides {
    reached: Notify,
    opened: Notify,
}

impl Gate {
    /// Waits until the model stands at the gate: the turn has taken all that the model said before.
    pub async fn reached(&self) {
        self.0.reached.notified().await;
    }

    /// Lets the model go on.
    pub fn open(&self) {
        self.0.opened.notify_one();
    }

    pub(super) async fn pass(&self) {
        self.0.reached.notify_one();
        self.0.opened.notified().await;
    }
}
