//! Models: which are offered, their windows and prices; and the decorators of providers.

mod concurrency_limited;
mod failover;
mod first_event;
mod retrying;

use std::collections::{HashMap, HashSet};

use domain::{ModelName, Price};

pub use concurrency_limited::ConcurrencyLimited;
pub use failover::Failover;
pub use retrying::{RetryPolicy, Retrying};

/// The settings of models, by name. A name with a vendor, `openai/gpt-4o`, is also found by its last part.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// The models that are offered; `None` means all.
    pub allow: Option<HashSet<String>>,
    /// The number of tokens that a model can read and write together.
    pub windows: HashMap<String, u32>,
    /// The window of models that are not listed.
    pub default_window: u32,
    /// The prices of models.
    pub prices: HashMap<String, Price>,
    /// The price of models that are not listed.
    pub default_price: Price,
}

impl ModelSettings {
    /// Whether the model is offered.
    #[must_use]
    pub fn offers(&self, model: &ModelName) -> bool {
        self.allow.as_ref().is_none_or(|allowed| allowed.contains(model.as_str()))
    }

    /// Returns the window of a model, in tokens.
    #[must_use]
    pub fn window(&self, model: &ModelName) -> u32 {
        by_name(&self.windows, model).copied().unwrap_or(self.default_window)
    }

    /// Returns the price of a model.
    #[must_use]
    pub fn price(&self, model: &ModelName) -> Price {
        by_name(&self.prices, model).copied().unwrap_or(self.default_price)
    }
}

fn by_name<'a, T>(settings: &'a HashMap<String, T>, model: &ModelName) -> Option<&'a T> {
    let full = model.as_str();
    let last = full.rsplit('/').next().unwrap_or(full);
    settings.get(full).or_else(|| settings.get(last))
}
