//! Retries requests that fail before their first event, within limits of count and time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ModelRequest;
use ports::{Jitter, LanguageModel, ModelError, ModelStream, Retry};
use tokio::time::Instant;

use super::first_event;

/// The limits of retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The number of calls, including the first one.
    pub attempts: u32,
    /// The longest first pause; it doubles with each attempt.
    pub first_pause: Duration,
    /// The longest pause, unless the provider asks for a longer one.
    pub longest_pause: Duration,
    /// The latest start of a new call, after the first one.
    pub total: Duration,
}

/// A provider whose failed requests are retried.
pub struct Retrying {
    model: Arc<dyn LanguageModel>,
    policy: RetryPolicy,
    jitter: Arc<dyn Jitter>,
}

impl Retrying {
    /// Creates a provider with retries.
    #[must_use]
    pub fn new(model: Arc<dyn LanguageModel>, policy: RetryPolicy, jitter: Arc<dyn Jitter>) -> Self {
        Self { model, policy, jitter }
    }

    /// Returns the pause before the next call; `None` if there is no next call.
    fn pause(&self, error: &ModelError, attempt: u32, waited: Duration) -> Option<Duration> {
        if attempt >= self.policy.attempts {
            return None;
        }
        let pause = match error.retry() {
            Retry::Never => return None,
            Retry::After(pause) => pause,
            // Full jitter, so that callers that failed at the same time do not retry at the same time.
            Retry::Soon => {
                let doubled = self.policy.first_pause.saturating_mul(1 << attempt.saturating_sub(1).min(16));
                doubled.min(self.policy.longest_pause).mul_f64(self.jitter.fraction().clamp(0.0, 1.0))
            }
        };
        (waited + pause <= self.policy.total).then_some(pause)
    }
}

#[async_trait]
impl LanguageModel for Retrying {
    fn provider(&self) -> &'static str {
        self.model.provider()
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let started = Instant::now();
        let mut attempt = 1;
        loop {
            let error = match first_event::ask(self.model.as_ref(), Arc::clone(&request)).await {
                Ok(events) => return Ok(events),
                Err(error) => error,
            };
            let Some(pause) = self.pause(&error, attempt, started.elapsed()) else { return Err(error) };
            tracing::info!(attempt, error = %error, "sending the request to {} again", self.model.provider());
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn check(&self) -> Result<(), ModelError> {
        self.model.check().await
    }
}
