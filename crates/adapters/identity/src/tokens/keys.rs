//! Keys that verify tokens. Each is bound to one algorithm and to the issuers that it may sign for.

use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use ports::Issuer;

use super::claims::Claims;
use super::{OWN_ISSUER, PublicKey, Rejection, SHARED};

/// A key, its algorithm and the issuers that it may sign for.
pub(super) struct Key {
    decoding: DecodingKey,
    validation: Validation,
    issuers: AllowedIssuers,
}

/// The issuers that a key may sign for.
enum AllowedIssuers {
    /// This service, other services that share the secret and name no issuer, and the issuers of this list.
    OwnAnd(Vec<String>),
    /// One outside issuer.
    Only(String),
}

impl Key {
    /// The secret, with which these other issuers may sign as well.
    pub(super) fn shared(secret: &[u8], others: Vec<String>) -> Self {
        Self::new(DecodingKey::from_secret(secret), Algorithm::HS256, AllowedIssuers::OwnAnd(others))
    }

    /// The key of an outside issuer.
    pub(super) fn of(issuer: &str, key: PublicKey) -> Self {
        Self::new(key.decoding, key.algorithm, AllowedIssuers::Only(issuer.to_owned()))
    }

    fn new(decoding: DecodingKey, algorithm: Algorithm, issuers: AllowedIssuers) -> Self {
        // The library checks the signature and the algorithm alone. Claims are checked in `claims`, because the library
        // refuses a number as `sub`, rounds times to whole seconds, and reads the system's clock.
        let mut validation = Validation::new(algorithm);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self { decoding, validation, issuers }
    }

    /// Verifies the signature and reads the claims.
    pub(super) fn open(&self, token: &str) -> Result<Claims, Error> {
        jsonwebtoken::decode(token, &self.decoding, &self.validation).map(|opened| opened.claims)
    }

    /// The issuer of a token that this key verified, if the key may sign for it. `named` is its `iss`.
    pub(super) fn issuer(&self, named: Option<&str>) -> Result<Issuer, Rejection> {
        match (&self.issuers, named) {
            (AllowedIssuers::OwnAnd(_), None) => Ok(Issuer::Outside(SHARED.to_owned())),
            (AllowedIssuers::OwnAnd(_), Some(OWN_ISSUER)) => Ok(Issuer::Own),
            (AllowedIssuers::OwnAnd(others), Some(name)) if others.iter().any(|other| other == name) => {
                Ok(Issuer::Outside(name.to_owned()))
            }
            (AllowedIssuers::Only(issuer), Some(name)) if issuer == name => {
                Ok(Issuer::Outside(name.to_owned()))
            }
            (AllowedIssuers::OwnAnd(_), Some(_)) | (AllowedIssuers::Only(_), _) => {
                Err("names an issuer that its key may not sign for")
            }
        }
    }
}

/// Checks the header of a token, except for the algorithm.
pub(super) fn check_header(header: &Header) -> Result<(), Rejection> {
    if header.crit.is_some() {
        return Err("requires an extension that is not supported");
    }
    let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
    if ["jwt", "at+jwt"].contains(&kind.strip_prefix("application/").unwrap_or(&kind)) {
        Ok(())
    } else {
        Err("has a header of another type")
    }
}
