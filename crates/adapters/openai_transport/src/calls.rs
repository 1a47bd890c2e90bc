//! The calls of one provider, and what is known of the fields that it refuses.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{StreamExt, stream};
use openai_wire::{Decoder, OptionalField, Redaction, RequestBody, refused_fields, refuses_temperature};
use ports::{ModelError, ModelStream};
use reqwest::RequestBuilder;

use crate::{Refusal, Timeouts};

/// Which optional fields requests do without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSettings {
    /// Fields that are left out of all requests.
    pub left_out: BTreeSet<OptionalField>,
    /// Models that refuse a temperature, with or without their vendors, beside the known ones.
    pub without_temperature: BTreeSet<String>,
}

/// Makes the calls of one provider.
///
/// If a provider refuses a request and names an optional field, the call is made again without that field. A refused
/// call costs nothing. The field is then left out until the process ends.
#[derive(Debug, Clone)]
pub struct Calls {
    provider: &'static str,
    timeouts: Timeouts,
    redaction: Redaction,
    settings: Arc<FieldSettings>,
    refused: Arc<Mutex<Refused>>,
}

/// The most models whose refusals are remembered: callers choose the names, and some servers take any.
const MODELS_MAX: usize = 1_000;

/// The fields that were refused since the start.
#[derive(Debug, Default)]
struct Refused {
    by_all_models: BTreeSet<OptionalField>,
    by_model: HashMap<String, BTreeSet<OptionalField>>,
}

impl Calls {
    /// Prepares calls of the provider of this name.
    #[must_use]
    pub fn new(
        provider: &'static str,
        timeouts: Timeouts,
        redaction: Redaction,
        settings: FieldSettings,
    ) -> Self {
        Self { provider, timeouts, redaction, settings: Arc::new(settings), refused: Arc::default() }
    }

    /// Makes a call, and returns once its first event has arrived. `body` makes the body of the request without these
    /// fields. `model` is the name of the model at the provider.
    ///
    /// # Errors
    /// If the provider refuses the request or cannot be reached.
    pub async fn stream<B: RequestBody, D: Decoder + 'static>(
        &self,
        model: &str,
        post: impl Fn() -> RequestBuilder,
        body: impl Fn(&BTreeSet<OptionalField>) -> B,
        decoder: impl Fn() -> D,
    ) -> Result<ModelStream, ModelError> {
        let mut left_out = self.left_out(model);
        let mut refused = BTreeSet::new();
        // Some providers name only one field at a time. Each round leaves out one more, so it ends.
        loop {
            let (request, named) = {
                let body = body(&left_out);
                (post().json(&body), body.optional_fields().clone())
            };
            let opened = crate::stream(request, decoder(), self.timeouts, &self.redaction).await;
            let begun = match opened {
                Ok(events) => begin(events).await,
                Err(refusal) => Err(refusal),
            };
            let refusal = match begun {
                Ok(events) => {
                    self.remember(model, &refused);
                    return Ok(events);
                }
                Err(refusal) => refusal,
            };
            let named: BTreeSet<OptionalField> = match (&refusal.error, &refusal.words) {
                (ModelError::Rejected(_), Some(words)) => &refused_fields(words) & &named,
                _ => BTreeSet::new(),
            };
            if named.is_empty() {
                return Err(refusal.error);
            }
            left_out.extend(&named);
            refused.extend(&named);
        }
    }

    /// The fields that requests to this model do without.
    fn left_out(&self, model: &str) -> BTreeSet<OptionalField> {
        let mut left_out = self.settings.left_out.clone();
        let is_listed = self.settings.without_temperature.iter().any(|listed| names(listed, model));
        if is_listed || refuses_temperature(model) {
            left_out.insert(OptionalField::Temperature);
        }
        let refused = self.refused();
        left_out.extend(&refused.by_all_models);
        left_out.extend(refused.by_model.get(model).into_iter().flatten());
        left_out
    }

    /// Remembers fields without which the provider has accepted a request that it had refused.
    fn remember(&self, model: &str, fields: &BTreeSet<OptionalField>) {
        for field in fields {
            let is_new = {
                let mut refused = self.refused();
                if !field.depends_on_model() {
                    refused.by_all_models.insert(*field)
                } else if refused.by_model.len() < MODELS_MAX || refused.by_model.contains_key(model) {
                    refused.by_model.entry(model.to_owned()).or_default().insert(*field)
                } else {
                    false
                }
            };
            if is_new {
                tracing::warn!(
                    model,
                    "{} refuses {} (model {model}); until the next start, requests are sent without it",
                    self.provider,
                    field.description(),
                );
            }
        }
    }

    fn refused(&self) -> MutexGuard<'_, Refused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the first event. Some providers begin a stream for every request, and refuse the request in it.
async fn begin(mut events: ModelStream) -> Result<ModelStream, Refusal> {
    match events.next().await {
        Some(Ok(first)) => Ok(Box::pin(stream::iter([Ok(first)]).chain(events))),
        Some(Err(ModelError::Rejected(source))) => {
            let words = Some(source.to_string());
            Err(Refusal { error: ModelError::Rejected(source), words })
        }
        Some(Err(error)) => Err(error.into()),
        None => Err(ModelError::Truncated.into()),
    }
}

/// Whether both are names of one model; either may lack the vendor.
fn names(listed: &str, model: &str) -> bool {
    listed == model || model.rsplit('/').next() == Some(listed) || listed.rsplit('/').next() == Some(model)
}
