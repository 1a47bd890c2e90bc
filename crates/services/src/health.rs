//! Whether the service can do its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ports::StoreHealth;

/// The state of the service. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    store: Arc<dyn StoreHealth>,
    draining: Arc<AtomicBool>,
}

/// What a look at the service showed; a word for each part, no host and no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the store can be used.
    pub database: bool,
    /// Whether the service is about to end, so that nobody should send it new work.
    pub draining: bool,
}

impl HealthReport {
    /// Whether new work may be sent here.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.database && !self.draining
    }
}

impl Health {
    /// The state of a service over this store.
    #[must_use]
    pub fn new(store: Arc<dyn StoreHealth>) -> Self {
        Self { store, draining: Arc::default() }
    }

    /// Looks at the service; calls no provider.
    pub async fn report(&self) -> HealthReport {
        let database = self.store.check().await.is_ok();
        HealthReport { database, draining: self.draining.load(Ordering::Relaxed) }
    }

    /// Tells everybody who looks to send new work elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}
