//! Work that outlives the request that asked for it.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Spawns tracked tasks on the main runtime, not on the one of an HTTP worker, which may end before they do.
/// Their log lines stand in the span of what spawned them.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    background: TaskTracker,
    handle: Handle,
    closing: CancellationToken,
    over: CancellationToken,
}

impl Tasks {
    /// Tasks of this runtime.
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

    /// Spawns a task that shutdown waits for.
    pub fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn_on(work.in_current_span(), &self.handle)
    }

    /// Spawns work that serves other tasks; shutdown ends it when those have ended.
    pub fn spawn_background<F>(&self, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let over = self.over.clone();
        let until_over = async move { over.run_until_cancelled(work).await };
        self.background.spawn_on(until_over.in_current_span(), &self.handle);
    }

    /// Runs work to its end even if nobody waits for it any more.
    pub async fn run<F>(&self, work: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn(work)
            .await
            .unwrap_or_else(|error: JoinError| std::panic::resume_unwind(error.into_panic()))
    }

    /// Cancelled when tasks must come to an end.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Waits for all tasks: first for as long as `grace`, then tells them to end and waits for `last`.
    /// Answers whether all of them ended.
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
