//! Waits for the first event of a stream. A failure before it may be retried.

use std::sync::Arc;

use domain::ModelRequest;
use futures_util::{StreamExt, stream};
use ports::{LanguageModel, ModelError, ModelStream};

/// Sends a request and waits for the first event of the answer.
///
/// # Errors
/// Any failure before the first event.
pub(super) async fn ask(
    model: &dyn LanguageModel,
    request: Arc<ModelRequest>,
) -> Result<ModelStream, ModelError> {
    let mut events = model.stream(request).await?;
    match events.next().await {
        Some(Ok(first)) => Ok(Box::pin(stream::once(async { Ok(first) }).chain(events))),
        Some(Err(error)) => Err(error),
        None => Err(ModelError::Truncated),
    }
}
