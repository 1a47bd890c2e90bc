//! Makes the adapters that the configuration asks for: models, file storage, PDF reader, sign-in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::{Demo, DemoSettings};
use disk::DiskBlobs;
use identity::{Argon2Hasher, JwtIdentity, TokenSettings};
use local::{SystemClock, SystemJitter};
use openai::OpenAi;
use openrouter::OpenRouter;
use pdf::{PdfReader, PdfSettings};
use ports::{Blobs, Clock, LanguageModel, TextExtractor};
use s3::S3Blobs;
use services::{ConcurrencyLimited, Failover, RetryPolicy, Retrying, SignIn, SignInSetup, Tasks};

use crate::cli::EXTRACT_PDF;
use crate::config::{Auth, Provider, ProviderChoice, Storage};
use crate::stores::Store;

/// The pause before the first retry of a model call, and the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// A model call is not retried once this much time has passed since its start.
const RETRY_FOR: Duration = Duration::from_secs(30);
/// The directory of uploaded files, below the data directory.
const FILES_DIRECTORY: &str = "files";
/// PDFs that are read at the same time; each may take 512 MiB of memory.
const DOCUMENTS_AT_ONCE: usize = 2;
/// PDFs that may wait to be read, and how long each may wait.
const DOCUMENTS_WAITING: usize = 16;
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(15);
/// The time limit of reading one PDF.
const DOCUMENT_TIME: Duration = Duration::from_secs(10);
/// The pause of the demo model between two words.
const DEMO_PAUSE: Duration = Duration::from_millis(20);

/// The configured provider with retries, and the providers to fall back to.
///
/// # Errors
/// If no HTTP client can be made.
pub fn model(provider: &Provider) -> anyhow::Result<Arc<dyn LanguageModel>> {
    let client = http_client(provider)?;
    let first = retrying(provider, &provider.choice, &client);
    let others: Vec<_> =
        provider.fallbacks.iter().map(|fallback| retrying(provider, fallback, &client)).collect();
    Ok(if others.is_empty() { first } else { Arc::new(Failover::new(first, others)) })
}

/// The HTTP client of all model calls. It sets no time limit for a whole call: `openai_transport` limits streams.
fn http_client(provider: &Provider) -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(provider.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .user_agent(concat!("omnichat/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("no HTTP client can be made")
}

fn retrying(
    provider: &Provider,
    choice: &ProviderChoice,
    client: &reqwest::Client,
) -> Arc<dyn LanguageModel> {
    let policy = RetryPolicy {
        attempts: provider.attempts,
        first_pause: FIRST_PAUSE,
        longest_pause: LONGEST_PAUSE,
        total: RETRY_FOR,
    };
    let permits = usize::try_from(provider.max_concurrent_calls).unwrap_or(usize::MAX);
    let limited = Arc::new(ConcurrencyLimited::new(plain(choice, client.clone()), permits));
    // `Retrying` is outside, so a call that pauses before a retry holds no permit.
    Arc::new(Retrying::new(limited, policy, Arc::new(SystemJitter)))
}

fn plain(choice: &ProviderChoice, client: reqwest::Client) -> Arc<dyn LanguageModel> {
    match choice {
        ProviderChoice::OpenAi(settings) => Arc::new(OpenAi::new(client, settings.clone())),
        ProviderChoice::OpenRouter(settings) => Arc::new(OpenRouter::new(client, settings.clone())),
        ProviderChoice::Demo => Arc::new(Demo::new(DemoSettings { delay_between_words: DEMO_PAUSE })),
    }
}

/// The storage of uploaded files: the configured bucket, else a directory below the data directory.
///
/// # Errors
/// If the bucket's address is not valid, or no HTTP client can be made.
pub fn blobs(storage: &Storage) -> anyhow::Result<Arc<dyn Blobs>> {
    let Some(s3) = &storage.s3 else {
        return Ok(Arc::new(DiskBlobs::new(storage.data_dir.join(FILES_DIRECTORY))));
    };
    Ok(Arc::new(S3Blobs::new(s3).context("the object store cannot be used (S3_ENDPOINT)")?))
}

/// The PDF reader: it starts this program again as a child process for each file.
///
/// # Errors
/// If the path of this program is unknown.
pub fn reader() -> anyhow::Result<Arc<dyn TextExtractor>> {
    Ok(Arc::new(PdfReader::new(PdfSettings {
        program: std::env::current_exe().context("the path of this program is unknown")?,
        arguments: vec![EXTRACT_PDF.into()],
        at_once: DOCUMENTS_AT_ONCE,
        waiting: DOCUMENTS_WAITING,
        patience: DOCUMENT_PATIENCE,
        wall: DOCUMENT_TIME,
    })))
}

/// Sign-in with the configured keys.
///
/// # Errors
/// If the secret can neither be read nor created, or no HTTP client can be made.
pub fn sign_in(auth: &Auth, store: Arc<dyn Store>, tasks: Tasks) -> anyhow::Result<SignIn> {
    let settings = TokenSettings {
        secret: auth.secret.read_or_make()?,
        audience: auth.audience.clone(),
        lifetime: auth.token_lifetime,
        trusted_issuers: auth.trusted_issuers.clone(),
        outside: auth.outside.iter().cloned().collect(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tokens = Arc::new(JwtIdentity::new(settings, Arc::clone(&clock))?);
    Ok(SignIn::new(SignInSetup {
        users: store,
        hasher: Arc::new(Argon2Hasher::new(auth.hashing_at_once)),
        verifier: tokens.clone(),
        issuer: tokens,
        clock,
        tasks,
    }))
}
