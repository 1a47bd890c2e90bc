//! Outside issuers, which sign with their own keys.

use std::sync::Arc;

use ports::{Clock, TokenError};
use reqwest::Url;

use super::keys::Key;
use super::published::PublishedKeys;
use super::{OWN_ISSUER, PublicKey, SHARED};

/// An outside issuer. Its subjects are users of their own: a subject never becomes a user of another issuer, even if
/// the names are the same.
#[derive(Debug, Clone)]
pub struct OutsideIssuer {
    /// Its name, which is the `iss` of its tokens.
    pub name: String,
    /// Its public key or keys.
    pub keys: OutsideKeys,
}

/// Where the keys of an outside issuer come from.
#[derive(Debug, Clone)]
pub enum OutsideKeys {
    /// One key that is given.
    Fixed(PublicKey),
    /// A JSON web key set that is published at this address.
    Published(Url),
}

/// An issuer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The name is our own, or the one for tokens without an issuer.
    #[error("the issuer name `{0}` is reserved")]
    Reserved(String),
    /// Two issuers have one name.
    #[error("the issuer `{0}` is named twice")]
    Twice(String),
    /// The HTTP client that fetches published keys cannot be set up.
    #[error("no HTTP client can be made")]
    Client(#[from] reqwest::Error),
}

/// An outside issuer with its keys.
pub(super) struct Outside {
    pub(super) name: String,
    keys: Keys,
}

enum Keys {
    Fixed(Arc<Key>),
    Published(Arc<PublishedKeys>),
}

impl Outside {
    pub(super) fn new(issuer: OutsideIssuer, clock: &Arc<dyn Clock>) -> Result<Self, IssuerError> {
        let OutsideIssuer { name, keys } = issuer;
        let keys = match keys {
            OutsideKeys::Fixed(key) => Keys::Fixed(Arc::new(Key::of(&name, key))),
            OutsideKeys::Published(url) => {
                Keys::Published(Arc::new(PublishedKeys::new(name.clone(), url, Arc::clone(clock))?))
            }
        };
        Ok(Self { name, keys })
    }

    /// The key that a token names by `kid`. With one fixed key, the name is ignored.
    pub(super) async fn key(&self, named: Option<&str>) -> Result<Arc<Key>, TokenError> {
        match &self.keys {
            Keys::Fixed(key) => Ok(Arc::clone(key)),
            Keys::Published(keys) => keys.find(named).await,
        }
    }
}

/// Checks that the names of issuers are not reserved and differ from each other.
pub(super) fn check_names<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), IssuerError> {
    let mut names: Vec<&String> = names.collect();
    names.sort();
    if let Some(name) = names.iter().find(|name| [OWN_ISSUER, SHARED, ""].contains(&name.as_str())) {
        return Err(IssuerError::Reserved((*name).clone()));
    }
    match names.array_windows().find(|[one, next]| one == next) {
        Some([name, _]) => Err(IssuerError::Twice((*name).clone())),
        None => Ok(()),
    }
}
