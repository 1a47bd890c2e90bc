//! Limits the number of concurrent calls to a provider. Further calls wait.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use domain::ModelRequest;
use futures_util::Stream;
use ports::{LanguageModel, ModelError, ModelEvent, ModelStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A provider with a limited number of concurrent calls.
pub struct ConcurrencyLimited {
    model: Arc<dyn LanguageModel>,
    permits: Arc<Semaphore>,
}

impl ConcurrencyLimited {
    /// Limits a provider to this number of concurrent calls, at least one.
    #[must_use]
    pub fn new(model: Arc<dyn LanguageModel>, permits: usize) -> Self {
        Self { model, permits: Arc::new(Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS))) }
    }
}

#[async_trait]
impl LanguageModel for ConcurrencyLimited {
    fn provider(&self) -> &'static str {
        self.model.provider()
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| ModelError::Unavailable(error.into()))?;
        let events = self.model.stream(request).await?;
        Ok(Box::pin(Permitted { events, _permit: permit }))
    }

    async fn check(&self) -> Result<(), ModelError> {
        self.model.check().await
    }
}

/// A stream that holds a permit until it is dropped.
struct Permitted {
    events: ModelStream,
    _permit: OwnedSemaphorePermit,
}

impl Stream for Permitted {
    type Item = Result<ModelEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}
