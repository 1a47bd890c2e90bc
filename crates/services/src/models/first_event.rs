//! Waits for the first event of a stream. A failure before it may be retried.

use std::sync::Arc;

use domain::{ModelRequest, NanoDollars};
use futures_util::{StreamExt, stream};
use ports::{LanguageModel, ModelError, ModelEvent, ModelStream};

/// Sends a request and waits for the first event of the answer. A usage without tokens and cost is passed over: a
/// call that fails after it costs nothing, and may be made again.
///
/// # Errors
/// Any failure before the first event.
pub(super) async fn ask(
    model: &dyn LanguageModel,
    request: Arc<ModelRequest>,
) -> Result<ModelStream, ModelError> {
    let mut events = model.stream(request).await?;
    loop {
        match events.next().await {
            Some(Ok(ModelEvent::Usage { usage, cost }))
                if usage.is_zero() && cost.is_none_or(|cost| cost == NanoDollars(0)) => {}
            Some(Ok(first)) => return Ok(Box::pin(stream::once(async { Ok(first) }).chain(events))),
            Some(Err(error)) => return Err(error),
            None => return Err(ModelError::Truncated),
        }
    }
}
