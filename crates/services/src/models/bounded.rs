//! Bounds how many calls a provider is asked at once; more wait for their turn.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use domain::ModelRequest;
use futures_util::Stream;
use ports::{LanguageModel, ModelError, ModelEvent, ModelStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A provider that is asked a bounded number of calls at once.
pub struct Bounded {
    model: Arc<dyn LanguageModel>,
    places: Arc<Semaphore>,
}

impl Bounded {
    /// A provider with so many places; at least one.
    #[must_use]
    pub fn new(model: Arc<dyn LanguageModel>, places: usize) -> Self {
        Self { model, places: Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS))) }
    }
}

#[async_trait]
impl LanguageModel for Bounded {
    fn provider(&self) -> &'static str {
        self.model.provider()
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| ModelError::Unavailable(error.into()))?;
        let events = self.model.stream(request).await?;
        Ok(Box::pin(Placed { events, _place: place }))
    }

    async fn check(&self) -> Result<(), ModelError> {
        self.model.check().await
    }
}

/// A stream that gives its place back when it is dropped.
struct Placed {
    events: ModelStream,
    _place: OwnedSemaphorePermit,
}

impl Stream for Placed {
    type Item = Result<ModelEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.as_mut().poll_next(context)
    }
}
