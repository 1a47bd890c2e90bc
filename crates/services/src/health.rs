//! Whether the service can do its work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ports::{Blobs, LanguageModel, StoreHealth};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// The state of the service. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    store: Arc<dyn StoreHealth>,
    model: Arc<dyn LanguageModel>,
    blobs: Arc<dyn Blobs>,
    draining: Arc<AtomicBool>,
    provider: Arc<Look>,
    storage: Arc<Look>,
}

/// How long a look at the provider holds: everybody may ask, and each look costs a call.
const PROVIDER_HOLDS: Duration = Duration::from_secs(30);
/// How long a look at the file storage holds.
const STORAGE_HOLDS: Duration = Duration::from_secs(5);
/// How long a look may take.
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// What a look at the service showed; a word for each part, no host and no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the store can be used.
    pub database: bool,
    /// Whether files can be kept. Conversations go on without.
    pub storage: bool,
}

/// Whether new work may be sent here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It may.
    Ready,
    /// The store cannot be used.
    NoDatabase,
    /// The service is about to end.
    ShuttingDown,
}

/// A look at something outside, which holds for a while: when it was taken, and whether it was well.
#[derive(Debug)]
struct Look {
    holds: Duration,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Look {
    fn new(holds: Duration) -> Arc<Self> {
        Arc::new(Self { holds, last: Mutex::default() })
    }

    /// What the last look showed, or else what a new one shows. Who comes meanwhile waits for it.
    async fn take<E>(&self, look: impl Future<Output = Result<(), E>>) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, well)) = *last
            && at.elapsed() < self.holds
        {
            return well;
        }
        let well = matches!(tokio::time::timeout(LONGEST_LOOK, look).await, Ok(Ok(())));
        *last = Some((Instant::now(), well));
        well
    }
}

impl Health {
    /// The state of a service over this store, this provider and this file storage.
    #[must_use]
    pub fn new(store: Arc<dyn StoreHealth>, model: Arc<dyn LanguageModel>, blobs: Arc<dyn Blobs>) -> Self {
        let (provider, storage) = (Look::new(PROVIDER_HOLDS), Look::new(STORAGE_HOLDS));
        Self { store, model, blobs, draining: Arc::default(), provider, storage }
    }

    /// Whether the provider answers and takes our key. Looked up at most every 30 s.
    pub async fn provider_answers(&self) -> bool {
        self.provider.take(self.model.check()).await
    }

    /// Looks at the service; calls no provider.
    pub async fn report(&self) -> HealthReport {
        let (database, storage) = tokio::join!(self.store.check(), self.storage.take(self.blobs.check()));
        HealthReport { database: database.is_ok(), storage }
    }

    /// Whether new work may be sent here. The file storage is not asked: conversations go on without it.
    pub async fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            Readiness::ShuttingDown
        } else if self.store.check().await.is_err() {
            Readiness::NoDatabase
        } else {
            Readiness::Ready
        }
    }
    /// Tells everybody who looks to send new work elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}
