//! Tasks that continue when the request that started them ends.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Spawns tracked tasks on the main runtime. The runtime of an HTTP worker may end before them.
///
/// The log lines of a task are written in the span of its caller, so they carry the id of the request.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    background: TaskTracker,
    handle: Handle,
    closing: CancellationToken,
    over: CancellationToken,
}

impl Tasks {
    /// Creates tasks that run on this runtime.
    #[must_use]
    pub fn new(handle: Handle) -> Self {
        Self {
            tracker: TaskTracker::new(),
            background: TaskTracker::new(),
            handle,
            closing: CancellationToken::new(),
            over: CancellationToken::new(),
        }
    }

    /// Spawns a task. A shutdown waits for it.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn_on(work.in_current_span(), &self.handle)
    }

    /// Spawns a task that serves the others. A shutdown ends it once the others have ended.
    pub fn spawn_background<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let over = self.over.clone();
        let until_over = async move { over.run_until_cancelled(work).await };
        self.background.spawn_on(until_over.in_current_span(), &self.handle);
    }

    /// Runs a future to its end, even if the caller stops waiting for it.
    pub async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(work)
            .await
            .unwrap_or_else(|error: JoinError| std::panic::resume_unwind(error.into_panic()))
    }

    /// Returns the token that is cancelled when tasks must end.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Waits up to `grace` for all tasks, then tells them to end and waits up to `last`. Returns whether all of them have
    /// ended.
    pub async fn shut_down(&self, grace: Duration, last: Duration) -> bool {
        self.tracker.close();
        self.background.close();
        let mut ended = tokio::time::timeout(grace, self.tracker.wait()).await.is_ok();
        if !ended {
            self.closing.cancel();
            ended = tokio::time::timeout(last, self.tracker.wait()).await.is_ok();
        }
        self.over.cancel();
        self.background.wait().await;
        ended
    }
}
