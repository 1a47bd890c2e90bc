//! The health of the service.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::chain;
use ports::{Blobs, LanguageModel, StoreError, StoreHealth};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Health checks. Cheap to clone.
#[derive(Clone)]
pub struct Health {
    store: Arc<dyn StoreHealth>,
    model: Arc<dyn LanguageModel>,
    blobs: Arc<dyn Blobs>,
    draining: Arc<AtomicBool>,
    provider: Arc<CachedProbe>,
    storage: Arc<CachedProbe>,
    outage: Arc<std::sync::Mutex<Outage>>,
}

/// What was logged of an outage of the store. Probes ask every few seconds, and anyone may ask.
#[derive(Debug, Default)]
struct Outage {
    /// Whether the last check failed.
    lasts: bool,
    /// The reasons that were logged within [`REPEAT_AFTER`].
    logged: Vec<(String, Instant)>,
}

/// How long a check of the provider is cached: anyone may ask for it, and each check costs a call.
const PROVIDER_TTL: Duration = Duration::from_secs(30);
/// How long a check of the file storage is cached.
const STORAGE_TTL: Duration = Duration::from_secs(5);
/// When the reason of an outage is logged again.
const REPEAT_AFTER: Duration = Duration::from_mins(1);
/// The most reasons that are logged within that time.
const MOST_REASONS: usize = 8;
/// The longest duration of a check.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// The health of each part of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthReport {
    /// Whether the store can be used.
    pub database: bool,
    /// Whether files can be stored. Conversations work without it.
    pub storage: bool,
}

/// Whether this process accepts new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It accepts new work.
    Ready,
    /// The store cannot be used.
    NoDatabase,
    /// The process is shutting down.
    ShuttingDown,
}

/// A check of an outside system whose result is cached.
#[derive(Debug)]
struct CachedProbe {
    ttl: Duration,
    last: Mutex<Option<(Instant, bool)>>,
}

impl CachedProbe {
    fn new(ttl: Duration) -> Arc<Self> {
        Arc::new(Self { ttl, last: Mutex::default() })
    }

    /// Returns the cached result while it is fresh, else that of a new check. Concurrent callers wait for the same check.
    async fn healthy<E>(&self, probe: impl Future<Output = Result<(), E>>) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, healthy)) = *last
            && at.elapsed() < self.ttl
        {
            return healthy;
        }
        let healthy = matches!(tokio::time::timeout(PROBE_TIMEOUT, probe).await, Ok(Ok(())));
        *last = Some((Instant::now(), healthy));
        healthy
    }
}

impl Health {
    /// Creates health checks of this store, this provider and this file storage.
    #[must_use]
    pub fn new(store: Arc<dyn StoreHealth>, model: Arc<dyn LanguageModel>, blobs: Arc<dyn Blobs>) -> Self {
        let (provider, storage) = (CachedProbe::new(PROVIDER_TTL), CachedProbe::new(STORAGE_TTL));
        Self { store, model, blobs, draining: Arc::default(), provider, storage, outage: Arc::default() }
    }

    /// Whether the provider answers and accepts our key. It is checked at most every 30 s.
    pub async fn provider_answers(&self) -> bool {
        self.provider.healthy(self.model.check()).await
    }

    /// Checks the store and the file storage, but not the provider.
    pub async fn report(&self) -> HealthReport {
        let (database, storage) = tokio::join!(self.store_works(), self.storage.healthy(self.blobs.check()));
        HealthReport { database, storage }
    }

    /// Whether this process accepts new work. The file storage does not count, because conversations work without it.
    pub async fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            Readiness::ShuttingDown
        } else if self.store_works().await {
            Readiness::Ready
        } else {
            Readiness::NoDatabase
        }
    }

    /// Logs why the store cannot be used: each reason once a minute, however often it is found.
    pub fn report_outage(&self, error: &StoreError) {
        let reason = chain(error);
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage.logged.retain(|(_, at)| at.elapsed() < REPEAT_AFTER);
        let is_known = outage.logged.iter().any(|(logged, _)| *logged == reason);
        if !is_known && outage.logged.len() < MOST_REASONS {
            tracing::warn!(error = %reason, "the database cannot be used");
            outage.logged.push((reason, Instant::now()));
        }
    }

    async fn store_works(&self) -> bool {
        let result = self.store.check().await;
        if let Err(error) = &result {
            self.report_outage(error);
        }
        let mut outage = self.outage.lock().unwrap_or_else(PoisonError::into_inner);
        if outage.lasts && result.is_ok() {
            tracing::info!("the database can be used again");
            outage.logged.clear();
        }
        outage.lasts = result.is_err();
        result.is_ok()
    }

    /// Reports the process as not ready from now on, so that new work goes to other processes.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}
