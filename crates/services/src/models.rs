//! Models: which may be asked, how much they read, what they cost; and what stands around a provider.

mod concurrency_limited;
mod failover;
mod first_event;
mod retrying;

use std::collections::{HashMap, HashSet};

use domain::{ModelName, Price};

pub use concurrency_limited::ConcurrencyLimited;
pub use failover::Failover;
pub use retrying::{RetryPolicy, Retrying};

/// Facts about models, by name. A name with a vendor in front, `openai/gpt-4o`, is also known by its last part.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// The models that may be asked; all where absent.
    pub allow: Option<HashSet<String>>,
    /// How many tokens a model reads and writes together.
    pub windows: HashMap<String, u32>,
    /// The window of models that are not listed.
    pub default_window: u32,
    /// What models cost.
    pub prices: HashMap<String, Price>,
    /// The price of models that are not listed.
    pub default_price: Price,
}

impl ModelSettings {
    /// Whether the model may be asked.
    #[must_use]
    pub fn allows(&self, model: &ModelName) -> bool {
        self.allow.as_ref().is_none_or(|allowed| allowed.contains(model.as_str()))
    }

    /// The model's window, in tokens.
    #[must_use]
    pub fn window(&self, model: &ModelName) -> u32 {
        by_name(&self.windows, model).copied().unwrap_or(self.default_window)
    }

    /// The model's price.
    #[must_use]
    pub fn price(&self, model: &ModelName) -> Price {
        by_name(&self.prices, model).copied().unwrap_or(self.default_price)
    }
}

fn by_name<'a, T>(facts: &'a HashMap<String, T>, model: &ModelName) -> Option<&'a T> {
    let full = model.as_str();
    let last = full.rsplit('/').next().unwrap_or(full);
    facts.get(full).or_else(|| facts.get(last))
}
