//! Keys that tokens may be signed with: each is bound to one algorithm and to the issuers it may speak for.

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use ports::Issuer;

use super::claims::Claims;
use super::{OWN_ISSUER, PublicKey, Rejection, SHARED};

/// A key, its algorithm and the issuers it may sign for.
pub(super) struct Key {
    decoding: DecodingKey,
    validation: Validation,
    speaks_for: SpeaksFor,
}

enum SpeaksFor {
    /// Ourselves, services that share our secret and name no issuer, and these.
    UsAnd(Vec<String>),
    /// This issuer alone.
    Only(String),
}

impl Key {
    /// The secret, which these issuers share.
    pub(super) fn shared(secret: &[u8], others: Vec<String>) -> Self {
        Self::new(DecodingKey::from_secret(secret), Algorithm::HS256, SpeaksFor::UsAnd(others))
    }

    /// The key of an outside issuer.
    pub(super) fn of(issuer: &str, key: PublicKey) -> Self {
        Self::new(key.decoding, key.algorithm, SpeaksFor::Only(issuer.to_owned()))
    }

    fn new(decoding: DecodingKey, algorithm: Algorithm, speaks_for: SpeaksFor) -> Self {
        // The library checks the signature and the algorithm. Claims are checked in `claims`: it takes no integer
        // `sub`, reads floats as times, and asks the system's clock.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self { decoding, validation, speaks_for }
    }

    /// Checks the signature and reads the claims.
    pub(super) fn open(&self, token: &str) -> Result<Claims, Error> {
        jsonwebtoken::decode(token, &self.decoding, &self.validation).map(|opened| opened.claims)
    }

    /// The issuer of a token that this key has signed, if the key may sign for it.
    pub(super) fn issuer(&self, named: Option<&str>) -> Result<Issuer, Rejection> {
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
pub(super) fn check_header(header: &Header) -> Result<(), Rejection> {
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
