//! Whether the service can do its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ports::{LanguageModel, StoreHealth};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The state of the service. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    store: Arc<dyn StoreHealth>,
    model: Arc<dyn LanguageModel>,
    draining: Arc<AtomicBool>,
    /// When the provider was last looked at, and whether it answered.
    looked: Arc<Mutex<Option<(Instant, bool)>>>,
}

/// How long a look at the provider holds: everybody may ask, and each look costs a call.
const LOOK_HOLDS: Duration = Duration::from_secs(30);
/// How long a look may take.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

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
    /// The state of a service over this store and this provider.
    #[must_use]
    pub fn new(store: Arc<dyn StoreHealth>, model: Arc<dyn LanguageModel>) -> Self {
        Self { store, model, draining: Arc::default(), looked: Arc::default() }
    }

    /// Whether the provider answers and takes our key. Looked up at most every 30 s.
    pub async fn provider_answers(&self) -> bool {
        let mut looked = self.looked.lock().await;
        if let Some((at, answers)) = *looked
            && at.elapsed() < LOOK_HOLDS
        {
            return answers;
        }
        let answers = matches!(tokio::time::timeout(LONGEST_LOOK, self.model.check()).await, Ok(Ok(())));
        *looked = Some((Instant::now(), answers));
        answers
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
