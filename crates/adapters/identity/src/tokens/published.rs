//! Keys that an outside issuer publishes: fetched when they are first needed, and kept.

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

/// How far apart two fetches are at least, whatever came of the first one: anybody can name
/// keys that there are not.
const BETWEEN_FETCHES: TimeDelta = TimeDelta::seconds(30);
/// How old the keys become before they are fetched again, beside their use.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);
/// For how long the keys count where they cannot be fetched again.
const KEPT_FOR: TimeDelta = TimeDelta::hours(24);
/// The longest document that is read.
const DOCUMENT_BYTES: usize = 256 * 1024;
/// The longest name of a key that is looked up.
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
    kept: Option<Kept>,
    /// When the last fetch began.
    tried_at: Option<Timestamp>,
    /// The last fetch; its other end is gone when it has ended.
    fetch: Option<Fetch>,
}

struct Kept {
    keys: Arc<KeySet>,
    at: Timestamp,
}

type Fetch = watch::Receiver<()>;

/// Keys that could not be fetched.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no answer")]
    Unanswered(#[source] reqwest::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is too long")]
    TooLong,
    #[error("the answer is no key set")]
    Unreadable(#[from] serde_json::Error),
}

impl PublishedKeys {
    pub(super) fn new(issuer: String, url: Url, client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { issuer, url, client, clock, state: Mutex::default() }
    }

    /// The key of this name. A name that is not known may be a new key's, so it is worth a fetch.
    pub(super) async fn find(self: &Arc<Self>, name: Option<&str>) -> Result<Arc<Key>, TokenError> {
        if name.is_some_and(|name| name.len() > NAME_BYTES) {
            return Err(unknown());
        }
        if let Some(key) = self.kept().and_then(|keys| keys.find(name)) {
            if self.is_due() {
                // Nobody waits for it.
                self.fetch();
            }
            return Ok(key);
        }
        if let Some(mut fetch) = self.fetch() {
            // Nothing is ever sent: this is the end of the fetch, whatever it is.
            let _ = fetch.changed().await;
        }
        match self.kept() {
            Some(keys) => keys.find(name).ok_or_else(unknown),
            None => Err(self.unavailable()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> Option<Arc<KeySet>> {
        let now = self.clock.now();
        let state = self.state();
        state.kept.as_ref().filter(|kept| now - kept.at < KEPT_FOR).map(|kept| Arc::clone(&kept.keys))
    }

    fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.state().kept.as_ref().is_none_or(|kept| !is_within(now - kept.at, FRESH_FOR))
    }

    /// The fetch that is under way, or a new one; none, where the last one was a moment ago.
    fn fetch(self: &Arc<Self>) -> Option<Fetch> {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(fetch) = state.fetch.as_ref().filter(|fetch| fetch.has_changed().is_ok()) {
            return Some(fetch.clone());
        }
        if state.tried_at.is_some_and(|at| is_within(now - at, BETWEEN_FETCHES)) {
            return None;
        }
        let (under_way, fetch) = watch::channel(());
        state.tried_at = Some(now);
        state.fetch = Some(fetch.clone());
        drop(state);
        let keys = Arc::clone(self);
        #[expect(
            clippy::disallowed_methods,
            reason = "it bounds itself and writes nothing: shutdown need not wait for it, and a caller that leaves must \
                      not end it"
        )]
        tokio::spawn(async move {
            let read = keys.read().await;
            keys.keep(read, now);
            drop(under_way);
        });
        Some(fetch)
    }

    async fn read(&self) -> Result<KeySet, FetchError> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, "application/json");
        let mut answer = request.send().await?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let mut document = Vec::new();
        while let Some(part) = answer.chunk().await? {
            if document.len() + part.len() > DOCUMENT_BYTES {
                return Err(FetchError::TooLong);
            }
            document.extend_from_slice(&part);
        }
        Ok(KeySet::read(&document, &self.issuer)?)
    }

    fn keep(&self, read: Result<KeySet, FetchError>, at: Timestamp) {
        match read {
            Ok(keys) => self.state().kept = Some(Kept { keys: Arc::new(keys), at }),
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

/// Whether so much time is less than this. After a clock went back, no time is.
fn is_within(passed: TimeDelta, limit: TimeDelta) -> bool {
    TimeDelta::zero() <= passed && passed < limit
}

fn unknown() -> TokenError {
    invalid("names no key of its issuer")
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The address may hold what is nobody's business.
        Self::Unanswered(error.without_url())
    }
}
