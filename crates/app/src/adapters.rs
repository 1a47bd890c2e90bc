//! Makes the adapters that the configuration asks for: models, file storage, PDF reader, sign-in.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::{Demo, DemoSettings};
use disk::DiskBlobs;
use identity::{Argon2Hasher, JwtIdentity, OutsideIssuer, OutsideKeys, TokenSettings};
use local::{SystemClock, SystemJitter};
use openai::{OpenAi, OpenAiSettings};
use openai_transport::Timeouts;
use openrouter::{OpenRouter, OpenRouterSettings};
use pdf::{PdfReader, PdfSettings};
use ports::{Blobs, Clock, LanguageModel, TextExtractor};
use s3::{S3Blobs, S3Settings};
use services::{ConcurrencyLimited, Failover, RetryPolicy, Retrying, SignIn, SignInSetup, Tasks};

use crate::cli::EXTRACT_PDF;
use crate::config::{self, Auth, OpenAiApi, Provider, ProviderChoice, Storage};
use crate::stores::Stores;

/// The pause before the first retry of a model call, and the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// A model call is not retried once this much time has passed since its start.
const RETRY_FOR: Duration = Duration::from_secs(30);
/// The time limit of connecting to a token issuer, and of the whole request for its keys.
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);
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
    let limited = Arc::new(ConcurrencyLimited::new(plain(provider, choice, client.clone()), permits));
    // `Retrying` is outside, so a call that pauses before a retry holds no permit.
    Arc::new(Retrying::new(limited, policy, Arc::new(SystemJitter)))
}

fn plain(provider: &Provider, choice: &ProviderChoice, client: reqwest::Client) -> Arc<dyn LanguageModel> {
    let timeouts = Timeouts {
        first_event: provider.first_event_timeout,
        idle: provider.idle_timeout,
        total: provider.total_timeout,
    };
    match choice {
        ProviderChoice::OpenAi(settings) => {
            let api = match settings.api {
                OpenAiApi::Responses => openai::OpenAiApi::Responses,
                OpenAiApi::Chat => openai::OpenAiApi::Chat,
            };
            let (api_key, base_url) = (settings.api_key.clone(), settings.base_url.clone());
            Arc::new(OpenAi::new(client, OpenAiSettings { api_key, base_url, api, timeouts }))
        }
        ProviderChoice::OpenRouter(settings) => {
            let settings = settings.clone();
            Arc::new(OpenRouter::new(
                client,
                OpenRouterSettings {
                    api_key: settings.api_key,
                    base_url: settings.base_url,
                    referer: settings.referer,
                    title: settings.title,
                    timeouts,
                },
            ))
        }
        ProviderChoice::Demo => Arc::new(Demo::new(DemoSettings { delay_between_words: DEMO_PAUSE })),
    }
}

fn outside_issuer(issuer: config::OutsideIssuer) -> anyhow::Result<OutsideIssuer> {
    let config::OutsideIssuer { name, keys } = issuer;
    let keys = match keys {
        config::OutsideKeys::Fixed(key) => OutsideKeys::Fixed(key),
        config::OutsideKeys::Published(url) => OutsideKeys::Published { url, client: keys_client()? },
    };
    Ok(OutsideIssuer { name, keys })
}

/// The HTTP client that fetches the keys of token issuers. It follows no redirects: the configured address alone
/// counts.
fn keys_client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(KEYS_TIMEOUT)
        .timeout(KEYS_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        // Keys are fetched too rarely to keep a connection open.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("omnichat/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("no HTTP client can be made")
}

/// The storage of uploaded files: the configured bucket, else a directory below the data directory.
///
/// # Errors
/// If the bucket's address is not valid, or no HTTP client can be made.
pub fn blobs(storage: &Storage) -> anyhow::Result<Arc<dyn Blobs>> {
    let Some(s3) = &storage.s3 else {
        return Ok(Arc::new(DiskBlobs::new(storage.data_dir.join(FILES_DIRECTORY))));
    };
    let settings = S3Settings {
        endpoint: s3.endpoint.clone(),
        region: s3.region.clone(),
        bucket: s3.bucket.clone(),
        access_key: s3.access_key.clone(),
        secret_key: s3.secret_key.clone(),
        link_lifetime: s3.url_expiration,
    };
    Ok(Arc::new(S3Blobs::new(&settings).context("the object store cannot be used (S3_ENDPOINT)")?))
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
pub fn sign_in(auth: &Auth, stores: &Stores, tasks: Tasks) -> anyhow::Result<SignIn> {
    let settings = TokenSettings {
        secret: auth.secret.read_or_make()?,
        audience: auth.audience.clone(),
        lifetime: auth.token_lifetime,
        trusted_issuers: auth.trusted_issuers.clone(),
        outside: auth.outside.clone().map(outside_issuer).transpose()?.into_iter().collect(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tokens = Arc::new(JwtIdentity::new(settings, Arc::clone(&clock))?);
    Ok(SignIn::new(SignInSetup {
        users: Arc::clone(&stores.users),
        hasher: Arc::new(Argon2Hasher::new(auth.hashing_at_once)),
        verifier: tokens.clone(),
        issuer: tokens,
        clock,
        tasks,
    }))
}
