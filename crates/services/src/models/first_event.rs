//! Waits for the first event of a model's stream, so that a failure before it can still be mended.

use std::sync::Arc;

use domain::ModelRequest;
use futures_util::{StreamExt, stream};
use ports::{LanguageModel, ModelError, ModelStream};

/// Asks a model and waits for its first event.
///
/// # Errors
/// What the model answers before it says anything.
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
