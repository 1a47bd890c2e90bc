//! File storage in a bucket of any service that speaks S3.
//!
//! The access key needs `s3:PutObject`, `s3:GetObject` and `s3:DeleteObject` on `uploads/*`, and `s3:ListBucket`,
//! which may be limited to the prefix `uploads/`.

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

/// The time limit of writing or deleting an object, connecting included.
const LIMIT: Duration = Duration::from_secs(30);
/// The time limit of a check.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// The status with which an object store answers a delete; some other web server would answer 200.
const NO_CONTENT: u16 = 204;
/// The prefix of every key.
const PREFIX: &str = "uploads/";

/// The address of a bucket, and an access key.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// The address of the service, with `http` or `https`. The bucket's name is added to its path.
    pub endpoint: String,
    /// The region, which is part of each signature.
    pub region: String,
    /// The name of the bucket, which must exist.
    pub bucket: String,
    /// The id of the access key.
    pub access_key: SecretString,
    /// The secret of the access key.
    pub secret_key: SecretString,
    /// How long a link is valid: from a second to a week, in whole seconds.
    pub link_lifetime: Duration,
}

/// The settings of a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum S3SetupError {
    /// The endpoint is not an address such as `https://s3.example.com`.
    #[error("the endpoint of the object store is not a plain address")]
    Endpoint,
    /// The HTTP client cannot be set up, for example because there are no TLS certificates.
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
    /// The objects of this bucket; nothing is sent yet. The process must have installed a default provider of rustls.
    ///
    /// # Errors
    /// If the endpoint is not a plain address, or no HTTP client can be made.
    pub fn new(settings: &S3Settings) -> Result<Self, S3SetupError> {
        Self::with_limit(settings, LIMIT)
    }

    fn with_limit(settings: &S3Settings, limit: Duration) -> Result<Self, S3SetupError> {
        // The caller decides about retries. The library's own would take longer than a check may.
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
        // More than a week is refused when a link is signed.
        let link_seconds = u32::try_from(settings.link_lifetime.as_secs()).unwrap_or(u32::MAX);
        Ok(Self { bucket: bucket.into(), link_seconds, limit })
    }
}

impl fmt::Debug for S3Blobs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The other fields hold the access key.
        formatter.debug_struct("S3Blobs").field("url", &self.bucket.url()).finish_non_exhaustive()
    }
}

/// The address as a browser writes it: without the default port and in lower case. A signature covers the host, so a
/// link works only if it is signed for the host that the browser sends.
fn endpoint(raw: &str) -> Result<String, S3SetupError> {
    let url = Url::parse(raw).map_err(|_| S3SetupError::Endpoint)?;
    let is_plain = ["http", "https"].contains(&url.scheme())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if is_plain { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(S3SetupError::Endpoint) }
}

/// The path of an object. A key with `.` or `..` is refused: HTTP clients turn `a/../b` into `b`.
fn path(key: &BlobKey) -> Result<&str, BlobError> {
    if key.as_str().split('/').any(|name| ["", ".", ".."].contains(&name)) {
        return Err(BlobError::Refused(Box::new(Failure::NotAPath(key.clone()))));
    }
    Ok(key.as_str())
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn put(
        &self,
        key: BlobKey,
        bytes: ports::Bytes,
        media_type: &'static str,
    ) -> Result<(), BlobError> {
        path(&key)?;
        let (bucket, runtime) = (Arc::clone(&self.bucket), Handle::current());
        // The whole object is hashed before it is sent, which takes too long for an async thread. It also goes on if
        // the caller is dropped.
        let put = spawn_blocking(move || {
            runtime.block_on(bucket.put_object_with_content_type(key.as_str(), &bytes, media_type))
        });
        let response = put.await.map_err(|panicked| BlobError::Unavailable(Box::new(panicked)))?;
        let response = response.map_err(|error| classify(error, self.limit))?;
        // A redirect to some web page ends in 200 as well. An object store answers with the ETag of the object.
        if response.headers().contains_key("etag") {
            Ok(())
        } else {
            Err(BlobError::Refused(Box::new(Failure::NotAStore)))
        }
    }

    async fn delete(&self, key: BlobKey) -> Result<(), BlobError> {
        match self.bucket.delete_object(path(&key)?).await {
            // Some services answer 404 if the object does not exist.
            Err(error) if failure::is_absent_object(&error) => Ok(()),
            Err(error) => Err(classify(error, self.limit)),
            Ok(response) if response.status_code() == NO_CONTENT => Ok(()),
            Ok(_) => Err(BlobError::Refused(Box::new(Failure::NotAStore))),
        }
    }

    async fn link(&self, key: BlobKey, name: FileName) -> Result<Option<String>, BlobError> {
        let response_headers = HashMap::from([
            ("response-content-disposition".to_owned(), disposition::attachment(name.as_str())),
            ("response-content-type".to_owned(), PDF.to_owned()),
        ]);
        let link = self.bucket.presign_get(path(&key)?, self.link_seconds, Some(response_headers)).await;
        link.map(Some).map_err(|error| classify(error, self.limit))
    }

    /// Lists one key. Of the other ways to check, HEAD of the bucket needs the same permission without a limit to a
    /// prefix, and its response has no body with an error code; HEAD of an object that does not exist gets the same
    /// response with and without permission.
    async fn check(&self) -> Result<(), BlobError> {
        let list = self.bucket.list_page(PREFIX.to_owned(), None, None, None, Some(1));
        match timeout(CHECK_LIMIT, list).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(classify(error, CHECK_LIMIT)),
            Err(_) => Err(BlobError::Unavailable(Box::new(Failure::TooSlow(CHECK_LIMIT)))),
        }
    }
}
