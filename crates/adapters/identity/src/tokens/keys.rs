//! Keys that tokens may be signed with: each is bound to one algorithm and to the issuers it may speak for.

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use ports::Issuer;

use super::claims::Claims;
use super::{OWN_ISSUER, SHARED};

/// Why a token is refused, as the end of a sentence; it quotes nothing of the token.
pub(super) type Refusal = &'static str;

/// How an outside issuer signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256.
    Rs256,
    /// ECDSA over P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// The public key of an outside issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name, as its tokens have it.
    pub issuer: String,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// The key, in PEM form.
    pub pem: String,
}

/// Keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name is ours, or stands for tokens without an issuer.
    #[error("the issuer name `{0}` is taken")]
    Reserved(String),
    /// Two keys claim one issuer.
    #[error("the issuer `{0}` is named twice")]
    Twice(String),
    /// The key is not in the form that its algorithm needs.
    #[error("the public key of `{issuer}` cannot be read")]
    Unreadable {
        /// Whose key it is.
        issuer: String,
        /// What is wrong with it.
        #[source]
        source: Error,
    },
    /// The RSA key is too short.
    #[error("the public key of `{0}` has less than 2048 bits")]
    Weak(String),
}

/// A key, its algorithm and those it speaks for.
pub(super) struct Key {
    decoding: DecodingKey,
    algorithm: Algorithm,
    validation: Validation,
    speaks_for: SpeaksFor,
}

enum SpeaksFor {
    /// Ourselves, services that share our secret and name no issuer, and these.
    UsAnd(Vec<String>),
    /// This issuer alone.
    Only(String),
}

/// All keys: the shared secret, then those of outside issuers.
pub(super) fn trusted(
    secret: &[u8],
    trusted_issuers: Vec<String>,
    public_keys: Vec<PublicKey>,
) -> Result<Vec<Key>, KeyError> {
    let mut names: Vec<&String> = trusted_issuers.iter().collect();
    names.extend(public_keys.iter().map(|key| &key.issuer));
    names.sort();
    for name in &names {
        if [OWN_ISSUER, SHARED, ""].contains(&name.as_str()) {
            return Err(KeyError::Reserved((*name).clone()));
        }
    }
    if let Some([name, _]) = names.array_windows().find(|[one, next]| one == next) {
        return Err(KeyError::Twice((*name).clone()));
    }
    let secret = DecodingKey::from_secret(secret);
    let mut keys = vec![Key::new(secret, Algorithm::HS256, SpeaksFor::UsAnd(trusted_issuers))];
    for key in public_keys {
        keys.push(public(key)?);
    }
    Ok(keys)
}

fn public(key: PublicKey) -> Result<Key, KeyError> {
    let PublicKey { issuer, algorithm, pem } = key;
    let pem = pem.as_bytes();
    let (algorithm, key) = match algorithm {
        SigningAlgorithm::Rs256 => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem)),
        SigningAlgorithm::Es256 => (Algorithm::ES256, DecodingKey::from_ec_pem(pem)),
        SigningAlgorithm::EdDsa => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem)),
    };
    let key = key.map_err(|source| KeyError::Unreadable { issuer: issuer.clone(), source })?;
    // The bytes of an RSA key hold its modulus and a few more: 256 of them are 2048 bits.
    let too_short = key.try_get_as_bytes().is_ok_and(|bytes| bytes.len() < 256);
    if algorithm == Algorithm::RS256 && too_short {
        return Err(KeyError::Weak(issuer));
    }
    Ok(Key::new(key, algorithm, SpeaksFor::Only(issuer)))
}

impl Key {
    fn new(decoding: DecodingKey, algorithm: Algorithm, speaks_for: SpeaksFor) -> Self {
        // The library checks the signature and the algorithm. Claims are checked in `claims`: it takes no integer
        // `sub`, reads floats as times, and asks the system's clock.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self { decoding, algorithm, validation, speaks_for }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Checks the signature and reads the claims.
    pub(super) fn open(&self, token: &str) -> Result<Claims, Error> {
        jsonwebtoken::decode(token, &self.decoding, &self.validation).map(|opened| opened.claims)
    }

    /// Whose word a token of this key is.
    pub(super) fn issuer(&self, named: Option<&str>) -> Result<Issuer, Refusal> {
        match (&self.speaks_for, named) {
            (SpeaksFor::UsAnd(_), None) => Ok(Issuer::Outside(SHARED.to_owned())),
            (SpeaksFor::UsAnd(_), Some(OWN_ISSUER)) => Ok(Issuer::Own),
            (SpeaksFor::UsAnd(others), Some(name)) if others.iter().any(|other| other == name) => {
                Ok(Issuer::Outside(name.to_owned()))
            }
            (SpeaksFor::Only(issuer), Some(name)) if issuer == name => Ok(Issuer::Outside(name.to_owned())),
            (SpeaksFor::UsAnd(_), Some(_)) | (SpeaksFor::Only(_), _) => {
                Err("names an issuer that its key does not speak for")
            }
        }
    }
}

/// What the header of a token must be, beside its algorithm.
pub(super) fn check_header(header: &Header) -> Result<(), Refusal> {
    if header.crit.is_some() {
        return Err("demands an extension that we do not know");
    }
    let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    if ["jwt", "at+jwt"].contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
        Ok(())
    } else {
        Err("is of another kind")
    }
}
