//! Reads a JSON web key set.

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use super::super::PublicKey;
use super::super::keys::Key;

/// The usable keys of one issuer, by name.
pub(super) struct KeySet {
    named: HashMap<String, Arc<Key>>,
    /// The key if there is only one: then tokens need not name it.
    only: Option<Arc<Key>>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a key set. Keys that are not for signatures or of an unknown kind are left out; of keys with the same
    /// name, the first one is used.
    pub(super) fn read(document: &[u8], issuer: &str) -> Result<Self, serde_json::Error> {
        let Document { keys } = serde_json::from_slice(document)?;
        let (mut named, mut all) = (HashMap::new(), Vec::new());
        for jwk in keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()) {
            let Some(key) = usable(&jwk) else { continue };
            let key = Arc::new(Key::of(issuer, key));
            if let Some(name) = jwk.common.key_id {
                named.entry(name).or_insert_with(|| Arc::clone(&key));
            }
            all.push(key);
        }
        let only = all.pop().filter(|_| all.is_empty());
        Ok(Self { named, only })
    }

    pub(super) fn find(&self, name: Option<&str>) -> Option<Arc<Key>> {
        match name {
            Some(name) => self.named.get(name).cloned(),
            None => self.only.clone(),
        }
    }
}

/// The key, if its use, its operations and its algorithm allow it to verify tokens.
fn usable(jwk: &Jwk) -> Option<PublicKey> {
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies =
        common.key_operations.as_ref().is_none_or(|purposes| purposes.contains(&KeyOperations::Verify));
    if !(signs && verifies) {
        return None;
    }
    let key = PublicKey::from_jwk(jwk).ok()?;
    let agrees = common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(key.algorithm));
    agrees.then_some(key)
}
