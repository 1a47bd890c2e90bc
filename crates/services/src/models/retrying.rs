//! Asks again where that can help: before the first event only, a few times, within a bound of time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ModelRequest;
use ports::{Jitter, LanguageModel, ModelError, ModelStream, Retry};
use tokio::time::Instant;

use super::first_event;

/// How often and for how long a call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Calls in all, the first one included.
    pub attempts: u32,
    /// The longest first pause; it doubles with every attempt.
    pub first_pause: Duration,
    /// The longest pause of our own choice.
    pub longest_pause: Duration,
    /// No new call is made later than this after the first one.
    pub total: Duration,
}

/// A provider that is asked again when it was busy or away.
pub struct Retrying {
    model: Arc<dyn LanguageModel>,
    policy: RetryPolicy,
    jitter: Arc<dyn Jitter>,
}

impl Retrying {
    /// A provider with a policy.
    #[must_use]
    pub fn new(model: Arc<dyn LanguageModel>, policy: RetryPolicy, jitter: Arc<dyn Jitter>) -> Self {
        Self { model, policy, jitter }
    }

    /// The pause before the next call; `None` where there is to be none.
    fn pause(&self, error: &ModelError, attempt: u32, waited: Duration) -> Option<Duration> {
        if attempt >= self.policy.attempts {
            return None;
        }
        let pause = match error.retry() {
            Retry::Never => return None,
            Retry::After(pause) => pause,
            // Full jitter: callers that failed together do not come back together.
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
            tracing::info!(attempt, error = %error, "asking {} again", self.model.provider());
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn check(&self) -> Result<(), ModelError> {
        self.model.check().await
    }
}
