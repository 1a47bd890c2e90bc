//! Issuers that sign with keys of their own.

use std::sync::Arc;

use ports::{Clock, TokenError};
use reqwest::{Client, Url};

use super::keys::Key;
use super::published::PublishedKeys;
use super::{OWN_ISSUER, PublicKey, SHARED};

/// An issuer that signs with keys of its own. Its subjects are users of their own, whatever they are called.
#[derive(Debug, Clone)]
pub struct OutsideIssuer {
    /// Its name, as its tokens have it.
    pub name: String,
    /// Its keys.
    pub keys: OutsideKeys,
}

/// Where the keys of an outside issuer are.
#[derive(Debug, Clone)]
pub enum OutsideKeys {
    /// Here.
    Fixed(PublicKey),
    /// Published as a JSON web key set.
    Published {
        /// The address of the set.
        url: Url,
        /// Fetches it. It must bound the time that this takes, and follow no redirects.
        client: Client,
    },
}

/// Issuers that cannot stand beside each other.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The name is ours, or stands for tokens without an issuer.
    #[error("the issuer name `{0}` is taken")]
    Reserved(String),
    /// Two issuers have one name.
    #[error("the issuer `{0}` is named twice")]
    Twice(String),
}

/// An outside issuer, ready to be asked.
pub(super) struct Outside {
    pub(super) name: String,
    keys: Keys,
}

enum Keys {
    Fixed(Arc<Key>),
    Published(Arc<PublishedKeys>),
}

impl Outside {
    pub(super) fn new(issuer: OutsideIssuer, clock: &Arc<dyn Clock>) -> Self {
        let OutsideIssuer { name, keys } = issuer;
        let keys = match keys {
            OutsideKeys::Fixed(key) => Keys::Fixed(Arc::new(Key::of(&name, key))),
            OutsideKeys::Published { url, client } => {
                Keys::Published(Arc::new(PublishedKeys::new(name.clone(), url, client, Arc::clone(clock))))
            }
        };
        Self { name, keys }
    }

    /// The key that a token names. An issuer with one fixed key need not name it.
    pub(super) async fn key(&self, named: Option<&str>) -> Result<Arc<Key>, TokenError> {
        match &self.keys {
            Keys::Fixed(key) => Ok(Arc::clone(key)),
            Keys::Published(keys) => keys.find(named).await,
        }
    }
}

/// Checks that every issuer has a name of its own.
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
