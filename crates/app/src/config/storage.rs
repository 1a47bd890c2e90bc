//! The section `storage`: the data directory and the storage of uploaded files.

use std::path::PathBuf;
use std::time::Duration;

use s3::S3Settings;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Checking, ConfigError, lenient};

/// The data directory and the storage of uploaded files.
#[derive(Debug, Clone)]
pub struct Storage {
    /// The directory of the SQLite file, the secret that development creates and, without S3, uploaded files.
    pub data_dir: PathBuf,
    /// The bucket of uploaded files; a directory is used if `None`.
    pub s3: Option<S3Settings>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::text")]
    data_dir: String,
    s3: S3Section,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct S3Section {
    #[serde(deserialize_with = "lenient::flag")]
    enabled: bool,
    #[serde(deserialize_with = "lenient::some_text")]
    endpoint: Option<String>,
    #[serde(deserialize_with = "lenient::some_secret")]
    access_key: Option<SecretString>,
    #[serde(deserialize_with = "lenient::some_secret")]
    secret_key: Option<SecretString>,
    #[serde(deserialize_with = "lenient::some_text")]
    bucket: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    region: String,
    #[serde(deserialize_with = "lenient::whole")]
    url_expiration: u32,
}

impl Default for Section {
    fn default() -> Self {
        Self { data_dir: "./data".to_owned(), s3: S3Section::default() }
    }
}

impl Default for S3Section {
    fn default() -> Self {
        Self {
            enabled: false,
            endpoint: None,
            access_key: None,
            secret_key: None,
            bucket: None,
            region: "us-east-1".to_owned(),
            url_expiration: 86_400,
        }
    }
}

/// The longest validity of a signed address in Signature Version 4: a week.
const MAX_SECONDS: u32 = 604_800;

impl Section {
    pub(super) fn check(self, checking: &Checking) -> Result<Storage, ConfigError> {
        let s3 = if self.s3.enabled { Some(self.s3.check(checking)?) } else { None };
        Ok(Storage { data_dir: self.data_dir.into(), s3 })
    }
}

impl S3Section {
    fn check(self, checking: &Checking) -> Result<S3Settings, ConfigError> {
        let missing = |path: &str| checking.error(path, "must be set, because S3_ENABLED is true");
        let endpoint = self.endpoint.ok_or_else(|| missing("storage.s3.endpoint"))?;
        let access_key = self.access_key.ok_or_else(|| missing("storage.s3.access_key"))?;
        let secret_key = self.secret_key.ok_or_else(|| missing("storage.s3.secret_key"))?;
        let bucket = self.bucket.ok_or_else(|| missing("storage.s3.bucket"))?;
        let is_address = reqwest::Url::parse(&endpoint)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        if !is_address {
            return Err(
                checking.error("storage.s3.endpoint", "must be an address such as https://s3.example.com")
            );
        }
        if !(1..=MAX_SECONDS).contains(&self.url_expiration) {
            return Err(checking.error("storage.s3.url_expiration", "must be from 1 to 604800 seconds"));
        }
        Ok(S3Settings {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            access_key,
            secret_key,
            bucket,
            region: self.region,
            link_lifetime: Duration::from_secs(self.url_expiration.into()),
        })
    }
}
