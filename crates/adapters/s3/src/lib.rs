//! Stored objects in a bucket of any service that speaks S3.
//!
//! The key needs `s3:PutObject`, `s3:GetObject` and `s3:DeleteObject` on `uploads/*`, and `s3:ListBucket`, which may be
//! limited to the prefix `uploads/`.

mod disposition;
mod failure;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::file::PDF;
use domain::{BlobKey, FileName};
use ports::{BlobError, Blobs};
use reqwest::Url;
use s3::creds::Credentials;
use s3::error::S3Error;
use s3::{Bucket, Region};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use failure::{Failure, classify};

/// How long keeping or deleting an object may take, from the connection to the answer.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// The status of an object store when an object is gone; a web page in its stead answers 200.
const NO_CONTENT: u16 = 204;
/// What every key begins with.
const PREFIX: &str = "uploads/";

/// The address of a bucket, and the key to it.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The address of the service, with `http` or `https`; the bucket's name comes after it, as a part of the path.
    pub endpoint: String,
    /// Where the bucket is, as signatures name it.
    pub region: String,
    /// The bucket, which is there already.
    pub bucket: String,
    /// The name of the key.
    pub access_key: SecretString,
    /// The key.
    pub secret_key: SecretString,
    /// How long a link is valid: from a second to a week, in whole seconds.
    pub link_lifetime: Duration,
}

/// A bucket cannot be used with these settings.
#[derive(Debug, thiserror::Error)]
pub enum S3SetupError {
    /// The endpoint is not an address such as `https://s3.example.com`.
    #[error("the endpoint of the object store is not a plain address")]
    Endpoint,
    /// The TLS of this machine cannot be used.
    #[error("no HTTP client can be made for the object store")]
    Client(#[source] S3Error),
}

/// A bucket of objects.
#[derive(Clone)]
pub struct S3Blobs {
    bucket: Arc<Bucket>,
    link_seconds: u32,
    limit: Duration,
}

impl S3Blobs {
    /// The objects of this bucket; nothing is sent yet. Needs rustls's default provider, as every client of ours.
    ///
    /// # Errors
    /// Where the endpoint is no address, or no HTTP client can be made.
    pub fn new(settings: &S3Settings) -> Result<Self, S3SetupError> {
        Self::with_limit(settings, LIMIT)
    }

    fn with_limit(settings: &S3Settings, limit: Duration) -> Result<Self, S3SetupError> {
        // The caller decides whether to try again; the library's own pauses would outlast a check.
        s3::set_retries(0);
        let region =
            Region::Custom { region: settings.region.clone(), endpoint: endpoint(&settings.endpoint)? };
        let (name, secret) = (settings.access_key.expose_secret(), settings.secret_key.expose_secret());
        let bucket = Credentials::new(Some(name), Some(secret), None, None, None)
            .map_err(S3Error::from)
            .and_then(|credentials| Bucket::new(&settings.bucket, region, credentials))
            .map_err(S3SetupError::Client)?;
        let mut bucket = bucket.with_path_style();
        bucket.set_request_timeout(Some(limit));
        // More than a week is refused where a link is signed.
        let link_seconds = u32::try_from(settings.link_lifetime.as_secs()).unwrap_or(u32::MAX);
        Ok(Self { bucket: bucket.into(), link_seconds, limit })
    }
}

impl fmt::Debug for S3Blobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The other fields hold the key.
        formatter.debug_struct("S3Blobs").field("url", &self.bucket.url()).finish_non_exhaustive()
    }
}

/// The address as a browser will name it: a signature holds for that host alone, without the port that is understood.
fn endpoint(raw: &str) -> Result<String, S3SetupError> {
    let url = Url::parse(raw).map_err(|_| S3SetupError::Endpoint)?;
    let is_plain = ["http", "https"].contains(&url.scheme())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(S3SetupError::Endpoint) }
}

/// A key as the path of an object. Dots would lead out of the bucket, as clients take `a/../b` for `b`.
fn path(key: &BlobKey) -> Result<&str, BlobError> {
    if key.as_str().split('/').any(|name| ["", ".", ".."].contains(&name)) {
        return Err(BlobError::Refused(Box::new(Failure::NotAPath(key.clone()))));
    }
    Ok(key.as_str())
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn put(&self, key: BlobKey, bytes: Arc<[u8]>, media_type: &'static str) -> Result<(), BlobError> {
        path(&key)?;
        let (bucket, runtime) = (Arc::clone(&self.bucket), Handle::current());
        // The whole object is hashed before it is sent: too long for a thread that others wait for. A caller that
        // leaves does not cut it off either.
        let put = spawn_blocking(move || {
            runtime.block_on(bucket.put_object_with_content_type(key.as_str(), &bytes, media_type))
        });
        let answer = put.await.map_err(|panicked| BlobError::Unavailable(Box::new(panicked)))?;
        let answer = answer.map_err(|error| classify(error, self.limit))?;
        // A redirect to some page ends in a 200 as well. An object store names what it has kept.
        if answer.headers().contains_key("etag") {
            Ok(())
        } else {
            Err(BlobError::Refused(Box::new(Failure::NotAStore)))
        }
    }

    async fn delete(&self, key: BlobKey) -> Result<(), BlobError> {
        match self.bucket.delete_object(path(&key)?).await {
            // Some services miss what is not there.
            Err(error) if failure::is_absent_object(&error) => Ok(()),
            Err(error) => Err(classify(error, self.limit)),
            Ok(answer) if answer.status_code() == NO_CONTENT => Ok(()),
            Ok(_) => Err(BlobError::Refused(Box::new(Failure::NotAStore))),
        }
    }

    async fn link(&self, key: BlobKey, name: FileName) -> Result<Option<String>, BlobError> {
        let answer = HashMap::from([
            ("response-content-disposition".to_owned(), disposition::attachment(name.as_str())),
            ("response-content-type".to_owned(), PDF.to_owned()),
        ]);
        let link = self.bucket.presign_get(path(&key)?, self.link_seconds, Some(answer)).await;
        link.map(Some).map_err(|error| classify(error, self.limit))
    }

    /// Lists one key. To look at the bucket itself (HEAD) needs the same permission, but never within a prefix, and its
    /// answer has no body to say what is wrong; to look for an object that is not there needs less, but then a key
    /// without any permission gets the same answer as a good one.
    async fn check(&self) -> Result<(), BlobError> {
        let list = self.bucket.list_page(PREFIX.to_owned(), None, None, None, Some(1));
        match timeout(CHECK_LIMIT, list).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(classify(error, CHECK_LIMIT)),
            Err(_) => Err(BlobError::Unavailable(Box::new(Failure::TooSlow(CHECK_LIMIT)))),
        }
    }
}
