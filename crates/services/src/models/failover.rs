//! Sends a request to the next provider if one fails before its first event.

use std::sync::Arc;

use async_trait::async_trait;
use domain::ModelRequest;
use futures_util::{StreamExt, stream};
use ports::{LanguageModel, ModelError, ModelEvent, ModelStream};

use super::first_event;

/// Providers, in the order in which they are tried.
pub struct Failover {
    first: Arc<dyn LanguageModel>,
    others: Vec<Arc<dyn LanguageModel>>,
}

impl Failover {
    /// Creates a fail-over from the first provider to the others.
    #[must_use]
    pub fn new(first: Arc<dyn LanguageModel>, others: Vec<Arc<dyn LanguageModel>>) -> Self {
        Self { first, others }
    }
}

/// Whether another provider may be tried, without paying for the request twice.
fn may_try_another(error: &ModelError) -> bool {
    match error {
        ModelError::Busy { .. } | ModelError::Unavailable(_) | ModelError::Refused(_) => true,
        ModelError::Rejected(_)
        | ModelError::TooLong(_)
        | ModelError::TimedOut
        | ModelError::Truncated
        | ModelError::Broken(_) => false,
    }
}

#[async_trait]
impl LanguageModel for Failover {
    fn provider(&self) -> &'static str {
        self.first.provider()
    }

    async fn stream(&self, request: Arc<ModelRequest>) -> Result<ModelStream, ModelError> {
        let mut error = match first_event::ask(self.first.as_ref(), Arc::clone(&request)).await {
            Ok(events) => return Ok(events),
            Err(error) => error,
        };
        for other in &self.others {
            if !may_try_another(&error) {
                break;
            }
            tracing::warn!(error = %error, "sending the request to {} instead", other.provider());
            error = match first_event::ask(other.as_ref(), Arc::clone(&request)).await {
                Ok(events) => {
                    let served = ModelEvent::ServedBy(other.provider());
                    return Ok(Box::pin(stream::once(async { Ok(served) }).chain(events)));
                }
                Err(error) => error,
            };
        }
        Err(error)
    }

    async fn check(&self) -> Result<(), ModelError> {
        self.first.check().await
    }
}
