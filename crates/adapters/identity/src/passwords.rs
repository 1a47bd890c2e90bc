//! Password hashes: argon2id, computed a few at a time.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use domain::text::composed;
use ports::{BoxError, HashingError, PasswordHasher};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// OWASP's minimum for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// How many passwords may wait to be hashed; further ones are refused as [`HashingError::Busy`].
const WAITING: usize = 64;

/// The hash that a password is compared with if there is no account, so that it takes the same time. It is all zeros,
/// which no password hashes to.
const NO_ACCOUNT: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGhhcyB0aGlz$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, in normalization form C (RFC 8265, section 4.2), with argon2id on the blocking thread pool. Only a
/// few are hashed at the same time, as each takes 19 MiB, and a limited number waits.
#[derive(Debug, Clone)]
pub struct Argon2Hasher {
    running: Arc<Semaphore>,
    /// Permits for hashing and waiting together.
    admitted: Arc<Semaphore>,
}

impl Argon2Hasher {
    /// A hasher that hashes this many passwords at the same time, from 1 to 64.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self::with_queue(at_once, WAITING)
    }

    fn with_queue(at_once: usize, waiting: usize) -> Self {
        let at_once = at_once.clamp(1, 64);
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            admitted: Arc::new(Semaphore::new(at_once + waiting)),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, HashingError> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HashingError::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(failed)?;
        // The permits move into the work: it goes on when its caller is dropped, and must keep them as long.
        let done = spawn_blocking(move || {
            let _permits = (admitted, running);
            work()
        });
        done.await.map_err(failed)?.map_err(failed)
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: String) -> Result<String, HashingError> {
        self.run(move || Ok(argon2()?.hash_password(composed(&password).as_bytes())?.to_string())).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, HashingError> {
        self.run(move || {
            let has_account = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NO_ACCOUNT))?;
            match argon2()?.verify_password(composed(&password).as_bytes(), &hash) {
                Ok(()) => Ok(has_account),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: impl Into<BoxError>) -> HashingError {
    HashingError::Failed(error.into())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::task::JoinSet;

    use super::*;

    fn hasher() -> Argon2Hasher {
        Argon2Hasher::new(2)
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let hash = hasher().hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher().verify("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher().verify("correct horsf".to_owned(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let one = hasher().hash("same".to_owned()).await.unwrap();
        let other = hasher().hash("same".to_owned()).await.unwrap();
        assert_ne!(one, other);
    }

    /// Threat 34
    #[tokio::test]
    async fn long_passwords_count_to_their_last_character() {
        let long = "x".repeat(1_023);
        let hash = hasher().hash(format!("{long}a")).await.unwrap();
        assert!(hasher().verify(format!("{long}a"), Some(hash.clone())).await.unwrap());
        assert!(!hasher().verify(format!("{long}b"), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_letter_is_the_same_in_one_piece_and_in_two() {
        let hash = hasher().hash("p\u{e4}ssword".to_owned()).await.unwrap();
        assert!(hasher().verify("pa\u{308}ssword".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!hasher().verify("password".to_owned(), Some(hash)).await.unwrap());
    }

    /// Threat 31
    #[tokio::test]
    async fn without_an_account_every_password_is_wrong_and_the_work_is_the_same() {
        let hash = hasher().hash("password".to_owned()).await.unwrap();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for _ in 0..7 {
            let start = Instant::now();
            assert!(!hasher().verify("wrong".to_owned(), Some(hash.clone())).await.unwrap());
            known.push(start.elapsed());
            let start = Instant::now();
            assert!(!hasher().verify("wrong".to_owned(), None).await.unwrap());
            unknown.push(start.elapsed());
        }
        // A loose bound, for busy machines: an answer without work would be a thousand times as fast.
        let least = |times: &[Duration]| times.iter().min().copied().unwrap();
        assert!(least(&unknown) * 3 > least(&known), "{known:?} {unknown:?}");
        assert!(least(&known) * 3 > least(&unknown), "{known:?} {unknown:?}");
    }

    #[tokio::test]
    async fn the_hash_without_an_account_costs_what_a_new_one_costs() {
        let new = hasher().hash("password".to_owned()).await.unwrap();
        let cost = |hash: &str| hash.split('$').take(4).collect::<Vec<_>>().join("$");
        let lengths = |hash: &str| hash.split('$').skip(4).map(str::len).collect::<Vec<_>>();
        assert_eq!(cost(NO_ACCOUNT), cost(&new));
        assert_eq!(lengths(NO_ACCOUNT)[1], lengths(&new)[1]);
    }

    #[tokio::test]
    async fn a_hash_that_cannot_be_read_is_an_internal_failure() {
        let answer = hasher().verify("password".to_owned(), Some("plain".to_owned())).await;
        assert!(matches!(answer, Err(HashingError::Failed(_))));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_refuses_further_passwords() {
        let hasher = Argon2Hasher::with_queue(1, 2);
        let held = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let mut waiting: JoinSet<_> = (0..3)
            .map(|_| {
                let hasher = hasher.clone();
                async move { hasher.hash("password".to_owned()).await }
            })
            .collect();
        while hasher.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(hasher.hash("password".to_owned()).await, Err(HashingError::Busy)));
        drop(held);
        while let Some(done) = waiting.join_next().await {
            assert!(done.unwrap().is_ok());
        }
        assert!(hasher.hash("password".to_owned()).await.is_ok());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_caller_that_leaves_does_not_free_the_permit_of_running_work() {
        let hasher = Argon2Hasher::with_queue(1, 0);
        let (gate, wait) = std::sync::mpsc::channel::<()>();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let running = hasher.clone();
        let work = move || {
            started.send(()).unwrap();
            wait.recv().map_err(|_| Error::Crypto)
        };
        let mut task = JoinSet::from_iter([async move { running.run(work).await }]);
        has_started.await.unwrap();
        task.shutdown().await;
        assert!(matches!(hasher.hash("password".to_owned()).await, Err(HashingError::Busy)));
        gate.send(()).unwrap();
    }
}
