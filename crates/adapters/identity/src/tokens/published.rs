//! Keys that an outside issuer publishes: they are fetched when they are first needed, and cached.

mod document;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::chain;
use ports::{Clock, TokenError};
use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode, Url};
use tokio::sync::watch;

use super::invalid;
use super::keys::Key;
use document::KeySet;

/// The least time between two fetches, successful or not: anyone can send tokens that name unknown keys, and each would
/// cause a fetch.
const BETWEEN_FETCHES: TimeDelta = TimeDelta::seconds(30);
/// The age from which cached keys are fetched again in the background while they are still used.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);
/// How long cached keys are used if they cannot be fetched again.
const USED_FOR: TimeDelta = TimeDelta::hours(24);
/// The time limit of connecting to an issuer, and of the whole request for its keys.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The limit of a key set, in bytes.
const DOCUMENT_BYTES: usize = 256 * 1024;
/// The limit of a key's name, in bytes.
const NAME_BYTES: usize = 255;

/// The published keys of one issuer.
pub(super) struct PublishedKeys {
    issuer: String,
    url: Url,
    client: Client,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cached: Option<CachedKeys>,
    /// When the last fetch began.
    tried_at: Option<Timestamp>,
    /// The last fetch. Its sender is dropped when the fetch ends.
    fetch: Option<Fetch>,
}

struct CachedKeys {
    keys: Arc<KeySet>,
    at: Timestamp,
}

type Fetch = watch::Receiver<()>;

/// The keys could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no response")]
    Unanswered(#[source] reqwest::Error),
    #[error("the response has status {0}")]
    Status(StatusCode),
    #[error("the response is too long")]
    TooLong,
    #[error("the response is not a key set")]
    Unreadable(#[from] serde_json::Error),
}

/// The HTTP client that fetches the keys. It follows no redirects: the configured address alone counts.
fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .connect_timeout(TIMEOUT)
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // Keys are fetched too rarely to keep a connection open.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("omnichat/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl PublishedKeys {
    pub(super) fn new(issuer: String, url: Url, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self { issuer, url, client: client()?, clock, state: Mutex::default() })
    }

    /// The key of this name. An unknown name may be that of a new key, so the keys are fetched again.
    pub(super) async fn find(self: &Arc<Self>, name: Option<&str>) -> Result<Arc<Key>, TokenError> {
        if name.is_some_and(|name| name.len() > NAME_BYTES) {
            return Err(unknown());
        }
        if let Some(key) = self.cached().and_then(|keys| keys.find(name)) {
            if self.is_due() {
                // In the background: the known key is good enough for this token.
                self.fetch();
            }
            return Ok(key);
        }
        if let Some(mut fetch) = self.fetch() {
            // Nothing is sent on the channel: this returns when the fetch ends and drops the sender.
            let _ = fetch.changed().await;
        }
        match self.cached() {
            Some(keys) => keys.find(name).ok_or_else(unknown),
            None => Err(self.unavailable()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self) -> Option<Arc<KeySet>> {
        let now = self.clock.now();
        let state = self.state();
        state
            .cached
            .as_ref()
            .filter(|cached| now - cached.at < USED_FOR)
            .map(|cached| Arc::clone(&cached.keys))
    }

    fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.state().cached.as_ref().is_none_or(|cached| !is_within(now - cached.at, FRESH_FOR))
    }

    /// The fetch that is running, or a new one; `None` if the last one began less than [`BETWEEN_FETCHES`] ago.
    fn fetch(self: &Arc<Self>) -> Option<Fetch> {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(fetch) = state.fetch.as_ref().filter(|fetch| fetch.has_changed().is_ok()) {
            return Some(fetch.clone());
        }
        if state.tried_at.is_some_and(|at| is_within(now - at, BETWEEN_FETCHES)) {
            return None;
        }
        let (running, fetch) = watch::channel(());
        state.tried_at = Some(now);
        state.fetch = Some(fetch.clone());
        drop(state);
        let keys = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "the client has a time limit and nothing is stored, so shutdown need not wait; and a caller that \
                      leaves must not end it for others"
        )]
        tokio::spawn(async move {
            let fetched = keys.download().await;
            keys.store(fetched, now);
            drop(running);
        });
        Some(fetch)
    }

    async fn download(&self) -> Result<KeySet, FetchError> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/json");
        let mut response = request.send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut document = Vec::new();
        while let Some(part) = response.chunk().await? {
            if document.len() + part.len() > DOCUMENT_BYTES {
                return Err(FetchError::TooLong);
            }
            document.extend_from_slice(&part);
        }
        Ok(KeySet::read(&document, &self.issuer)?)
    }

    fn store(&self, fetched: Result<KeySet, FetchError>, at: Timestamp) {
        match fetched {
            Ok(keys) => self.state().cached = Some(CachedKeys { keys: Arc::new(keys), at }),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the keys of {} could not be fetched", self.issuer);
            }
        }
    }

    fn unavailable(&self) -> TokenError {
        let tried_at = self.state().tried_at;
        let since =
            tried_at.map(|at| self.clock.now() - at).filter(|since| is_within(*since, BETWEEN_FETCHES));
        let left = since.and_then(|since| (BETWEEN_FETCHES - since).to_std().ok()).unwrap_or(Duration::ZERO);
        let source = format!("the keys of {} could not be fetched", self.issuer).into();
        TokenError::Unavailable { retry_after: left.max(Duration::from_secs(1)), source }
    }
}

/// Whether a time span is shorter than the limit. A negative one, after the clock was set back, is not.
fn is_within(passed: TimeDelta, limit: TimeDelta) -> bool {
    TimeDelta::zero() <= passed && passed < limit
}

fn unknown() -> TokenError {
    invalid("names no key of its issuer")
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The address may hold a secret in its query.
        Self::Unanswered(error.without_url())
    }
}
