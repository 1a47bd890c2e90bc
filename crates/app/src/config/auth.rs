//! How callers prove who they are.

mod jwt_secret;

use std::path::Path;
use std::time::Duration;

use identity::{OWN_ISSUER, PublicKey, SHARED, SigningAlgorithm};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use jwt_secret::JwtSecret;

use super::{Checking, ConfigError, Notice, lenient};

/// How callers prove who they are.
#[derive(Debug, Clone)]
pub struct Auth {
    /// What tokens are signed with.
    pub secret: JwtSecret,
    /// For whom tokens must be meant; unchecked where absent.
    pub audience: Option<String>,
    /// For how long our tokens hold.
    pub token_lifetime: Duration,
    /// Other issuers that may sign with our secret.
    pub trusted_issuers: Vec<String>,
    /// Outside issuers that sign with keys of their own.
    pub public_keys: Vec<PublicKey>,
    /// How many passwords are hashed at once.
    pub hashing_at_once: usize,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Section {
    #[serde(deserialize_with = "lenient::some_secret")]
    jwt_secret: Option<SecretString>,
    #[serde(deserialize_with = "lenient::some_secret")]
    secret_key: Option<SecretString>,
    #[serde(deserialize_with = "lenient::some_text")]
    jwt_audience: Option<String>,
    #[serde(deserialize_with = "lenient::whole")]
    access_token_expire_minutes: u32,
    #[serde(deserialize_with = "lenient::list")]
    trusted_issuers: Vec<String>,
    #[serde(deserialize_with = "lenient::some_text")]
    outside_issuer: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    outside_algorithm: String,
    #[serde(deserialize_with = "lenient::some_text")]
    outside_public_key: Option<String>,
    #[serde(deserialize_with = "lenient::whole")]
    hashing_at_once: u16,
}

impl Default for Section {
    fn default() -> Self {
        Self {
            jwt_secret: None,
            secret_key: None,
            jwt_audience: None,
            access_token_expire_minutes: 60,
            trusted_issuers: Vec::new(),
            outside_issuer: None,
            outside_algorithm: "RS256".to_owned(),
            outside_public_key: None,
            hashing_at_once: 2,
        }
    }
}

const YEAR_MINUTES: u32 = 366 * 24 * 60;

impl Section {
    pub(super) fn check(self, checking: &mut Checking, data_dir: &Path) -> Result<Auth, ConfigError> {
        if !(1..=YEAR_MINUTES).contains(&self.access_token_expire_minutes) {
            return Err(checking.error("auth.access_token_expire_minutes", "must be from 1 minute to a year"));
        }
        if !(1..=64).contains(&self.hashing_at_once) {
            return Err(checking.error("auth.hashing_at_once", "must be from 1 to 64"));
        }
        if self.trusted_issuers.iter().any(|name| is_taken(name)) {
            return Err(checking.error("auth.trusted_issuers", "holds a name that stands for something else"));
        }
        let public_keys = self.public_key(checking)?.into_iter().collect();
        let secret = match (self.jwt_secret, self.secret_key) {
            (Some(secret), _) => given(secret, "auth.jwt_secret", checking)?,
            (None, Some(secret)) => given(secret, "auth.secret_key", checking)?,
            (None, None) if checking.environment.is_development() => JwtSecret::kept_in(data_dir),
            (None, None) => {
                let problem = "must be set in production (or SECRET_KEY): 32 random bytes or more";
                return Err(checking.error("auth.jwt_secret", problem));
            }
        };
        Ok(Auth {
            secret,
            audience: self.jwt_audience,
            token_lifetime: Duration::from_mins(self.access_token_expire_minutes.into()),
            trusted_issuers: self.trusted_issuers,
            public_keys,
            hashing_at_once: self.hashing_at_once.into(),
        })
    }

    fn public_key(&self, checking: &Checking) -> Result<Option<PublicKey>, ConfigError> {
        let (issuer, pem) = match (&self.outside_issuer, &self.outside_public_key) {
            (None, None) => return Ok(None),
            (Some(issuer), Some(pem)) => (issuer.clone(), pem.replace("\\n", "\n")),
            (Some(_), None) => {
                return Err(checking.error("auth.outside_public_key", "must be set with its issuer"));
            }
            (None, Some(_)) => {
                return Err(checking.error("auth.outside_issuer", "must be set with its public key"));
            }
        };
        if is_taken(&issuer) || self.trusted_issuers.contains(&issuer) {
            return Err(checking.error("auth.outside_issuer", "is a name that stands for something else"));
        }
        let algorithm = match self.outside_algorithm.to_ascii_uppercase().as_str() {
            "RS256" => SigningAlgorithm::Rs256,
            "ES256" => SigningAlgorithm::Es256,
            "EDDSA" => SigningAlgorithm::EdDsa,
            _ => return Err(checking.error("auth.outside_algorithm", "must be RS256, ES256 or EdDSA")),
        };
        Ok(Some(PublicKey { issuer, algorithm, pem }))
    }
}

fn is_taken(issuer: &str) -> bool {
    [OWN_ISSUER, SHARED, ""].contains(&issuer)
}

fn given(secret: SecretString, path: &str, checking: &mut Checking) -> Result<JwtSecret, ConfigError> {
    if let Some(problem) = jwt_secret::weakness(secret.expose_secret()) {
        if !checking.environment.is_development() {
            return Err(checking.error(path, problem));
        }
        checking.notices.push(Notice::WeakSecret { variable: checking.sources.place(path) });
    }
    Ok(JwtSecret::Given(secret))
}
