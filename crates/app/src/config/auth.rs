//! The section `auth`: keys and rules of sign-in.

mod jwt_secret;
mod outside;

use std::path::Path;
use std::time::Duration;

use identity::{OWN_ISSUER, OutsideIssuer, SHARED};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use jwt_secret::JwtSecret;

use super::{Checking, ConfigError, Notice, lenient};

/// Keys and rules of sign-in.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The secret that signs tokens.
    pub secret: JwtSecret,
    /// The audience (`aud`) that tokens must have; not checked if `None`.
    pub audience: Option<String>,
    /// How long tokens issued by this service are valid.
    pub token_lifetime: Duration,
    /// Names of other issuers that may sign with the same secret.
    pub trusted_issuers: Vec<String>,
    /// An outside issuer, which signs with its own keys.
    pub outside: Option<OutsideIssuer>,
    /// How many passwords are hashed at the same time.
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
    jwt_issuer: Option<String>,
    #[serde(deserialize_with = "lenient::some_text")]
    jwt_jwks_url: Option<String>,
    #[serde(deserialize_with = "lenient::some_text")]
    jwt_public_key_file: Option<String>,
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
            jwt_issuer: None,
            jwt_jwks_url: None,
            jwt_public_key_file: None,
            hashing_at_once: 2,
        }
    }
}

const ISSUER: &str = "auth.jwt_issuer";
const YEAR_MINUTES: u32 = 366 * 24 * 60;

impl Section {
    pub(super) fn check(self, checking: &mut Checking, data_dir: &Path) -> Result<Auth, ConfigError> {
        if !(1..=YEAR_MINUTES).contains(&self.access_token_expire_minutes) {
            return Err(checking.error("auth.access_token_expire_minutes", "must be from 1 minute to a year"));
        }
        if !(1..=64).contains(&self.hashing_at_once) {
            return Err(checking.error("auth.hashing_at_once", "must be from 1 to 64"));
        }
        if self.trusted_issuers.iter().any(|name| is_reserved(name)) {
            return Err(checking.error("auth.trusted_issuers", "holds a name that is reserved"));
        }
        let outside = self.outside(checking)?;
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
            outside,
            hashing_at_once: self.hashing_at_once.into(),
        })
    }

    /// The outside issuer. Its keys are in a file, or it publishes them.
    fn outside(&self, checking: &Checking) -> Result<Option<OutsideIssuer>, ConfigError> {
        let keys = match (&self.jwt_jwks_url, &self.jwt_public_key_file) {
            (None, None) if self.jwt_issuer.is_none() => return Ok(None),
            (None, None) => {
                return Err(checking.error(ISSUER, "must be set with JWT_JWKS_URL or JWT_PUBLIC_KEY_FILE"));
            }
            (Some(url), None) => outside::published(url, checking)?,
            (None, Some(file)) => outside::of_file(Path::new(file), checking)?,
            (Some(_), Some(_)) => {
                let problem = "and JWT_JWKS_URL are both set: set only one of them";
                return Err(checking.error(outside::FILE, problem));
            }
        };
        let Some(name) = self.jwt_issuer.clone() else {
            let problem =
                "must be set with JWT_JWKS_URL or JWT_PUBLIC_KEY_FILE: the `iss` of the issuer's tokens";
            return Err(checking.error(ISSUER, problem));
        };
        if is_reserved(&name) || self.trusted_issuers.contains(&name) {
            return Err(checking.error(ISSUER, "is a name that is reserved or used twice"));
        }
        Ok(Some(OutsideIssuer { name, keys }))
    }
}

fn is_reserved(issuer: &str) -> bool {
    [OWN_ISSUER, SHARED, ""].contains(&issuer)
}

fn given(secret: SecretString, path: &str, checking: &mut Checking) -> Result<JwtSecret, ConfigError> {
    if let Some(problem) = jwt_secret::weakness(secret.expose_secret()) {
        if !checking.environment.is_development() {
            return Err(checking.error(path, problem));
        }
        checking.notices.push(Notice::WeakSecret { variable: checking.sources.origin(path) });
    }
    Ok(JwtSecret::Given(secret))
}
