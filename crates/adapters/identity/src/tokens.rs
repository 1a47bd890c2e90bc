//! JSON web tokens: ours, and those of issuers that we trust.

mod claims;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Timestamp, UserId};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ports::{AccessToken, BoxError, Clock, Subject, TokenError, TokenIssuer, TokenVerifier};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use claims::{Claims, OwnClaims};
use keys::{Key, Refusal};
pub use keys::{KeyError, PublicKey, SigningAlgorithm};

/// The issuer in our own tokens.
pub const OWN_ISSUER: &str = "omnichat";

/// The issuer of tokens that are signed with our secret and name none.
pub const SHARED: &str = "shared";

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES: usize = 16 * 1024;

/// What tokens are made and checked with.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// Signs our tokens, and those of services that share it.
    pub secret: SecretString,
    /// For whom tokens must be meant; unchecked where absent.
    pub audience: Option<String>,
    /// For how long our tokens hold.
    pub lifetime: Duration,
    /// Other issuers whose tokens may be signed with the secret.
    pub trusted_issuers: Vec<String>,
    /// Outside issuers that sign with keys of their own.
    pub public_keys: Vec<PublicKey>,
}

/// Makes our tokens (HS256) and checks all that may reach us.
///
/// Each key has one algorithm and speaks for certain issuers only. A token's header picks among these keys by its
/// algorithm and has no other say: `kid`, `jku`, `jwk` and `x5u` are not looked at.
pub struct JwtIdentity {
    signing: EncodingKey,
    keys: Vec<Key>,
    audience: Option<String>,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl JwtIdentity {
    /// Tokens with these settings.
    ///
    /// # Errors
    /// Where a key cannot be read, is too weak, or two of them claim one issuer.
    pub fn new(settings: TokenSettings, clock: Arc<dyn Clock>) -> Result<Self, KeyError> {
        let TokenSettings { secret, audience, lifetime, trusted_issuers, public_keys } = settings;
        let secret = secret.expose_secret().as_bytes();
        let keys = keys::trusted(secret, trusted_issuers, public_keys)?;
        Ok(Self { signing: EncodingKey::from_secret(secret), keys, audience, lifetime, clock })
    }

    fn check(&self, token: &str) -> Result<Subject, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(invalid("is too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(unreadable)?;
        keys::check_header(&header).map_err(invalid)?;
        let mut refusal = invalid("no key of ours signs so");
        for key in self.keys.iter().filter(|key| key.algorithm() == header.alg) {
            match key.open(token) {
                Ok(claims) => return self.accept(key, claims),
                // Another key of the same algorithm may fit.
                Err(error) => refusal = unreadable(error),
            }
        }
        Err(refusal)
    }

    fn accept(&self, key: &Key, claims: Claims) -> Result<Subject, TokenError> {
        let issuer = key.issuer(claims.issuer()).map_err(invalid)?;
        claims.check_kind().map_err(invalid)?;
        if let Some(audience) = &self.audience {
            claims.check_audience(audience).map_err(invalid)?;
        }
        let expires_at = claims.check_time(self.clock.now())?;
        let application = claims.application();
        let subject = claims.into_subject().map_err(invalid)?;
        Ok(Subject { issuer, subject, application, expires_at })
    }
}

#[async_trait]
impl TokenVerifier for JwtIdentity {
    async fn verify(&self, token: String) -> Result<Subject, TokenError> {
        self.check(&token)
    }
}

impl TokenIssuer for JwtIdentity {
    #[expect(clippy::disallowed_methods, reason = "a token's id is none of the engine's ids")]
    fn issue(&self, user: UserId, at: Timestamp) -> Result<AccessToken, BoxError> {
        let expires_in = self.lifetime.as_secs();
        let claims = OwnClaims {
            iss: OWN_ISSUER,
            sub: user.to_string(),
            aud: self.audience.as_deref(),
            iat: at.timestamp(),
            nbf: at.timestamp(),
            exp: at.timestamp().saturating_add_unsigned(expires_in),
            jti: Uuid::new_v4().simple().to_string(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?;
        Ok(AccessToken { token, expires_in })
    }
}

fn invalid(refusal: Refusal) -> TokenError {
    TokenError::Invalid(format!("it {refusal}").into())
}

/// What the library says, unless it quotes the token.
fn unreadable(error: Error) -> TokenError {
    if matches!(error.kind(), ErrorKind::Json(_)) {
        return invalid("holds what cannot be read");
    }
    TokenError::Invalid(error.into())
}
