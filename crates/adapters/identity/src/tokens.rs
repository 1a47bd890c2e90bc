//! JSON web tokens: our own, and those of trusted issuers.

mod claims;
mod keys;
mod outside;
mod public_key;
mod published;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{Timestamp, UserId};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ports::{AccessToken, BoxError, Clock, Subject, TokenError, TokenIssuer, TokenVerifier};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use claims::OwnClaims;
use keys::Key;
use outside::Outside;
pub use outside::{IssuerError, OutsideIssuer, OutsideKeys};
pub use public_key::{KeyError, PublicKey};

/// The issuer (`iss`) of our own tokens.
pub const OWN_ISSUER: &str = "omnichat";

/// The issuer that tokens count as if they are signed with our secret and name none.
pub const SHARED: &str = "shared";

/// The longest token that is read, in bytes.
const TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is refused, as the end of a sentence that begins with "it". It quotes nothing of the token.
type Rejection = &'static str;

/// Keys and rules for making and checking tokens.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The secret that signs our tokens, and those of other services that know it.
    pub secret: SecretString,
    /// The audience (`aud`) that tokens must have; not checked if `None`.
    pub audience: Option<String>,
    /// How long our tokens are valid.
    pub lifetime: Duration,
    /// Names of other issuers that may sign with the same secret.
    pub trusted_issuers: Vec<String>,
    /// Issuers that sign with their own keys.
    pub outside: Vec<OutsideIssuer>,
}

/// Makes our tokens (HS256) and checks all tokens.
///
/// Each key has one algorithm and may sign for certain issuers only. HS256 is checked with the secret. RS256, ES256
/// and `EdDSA` are checked with a key of the outside issuer that the token names; `kid` selects one of its known or
/// published keys. `jku`, `jwk`, `x5u` and `x5c` are ignored.
pub struct JwtIdentity {
    signing: EncodingKey,
    shared: Key,
    outside: Vec<Outside>,
    audience: Option<String>,
    lifetime: Duration,
    clock: Arc<dyn Clock>,
}

impl JwtIdentity {
    /// Tokens with these settings.
    ///
    /// # Errors
    /// If the name of an issuer is reserved or used twice, or no HTTP client can be made.
    pub fn new(settings: TokenSettings, clock: Arc<dyn Clock>) -> Result<Self, IssuerError> {
        let TokenSettings { secret, audience, lifetime, trusted_issuers, outside } = settings;
        outside::check_names(trusted_issuers.iter().chain(outside.iter().map(|issuer| &issuer.name)))?;
        let secret = secret.expose_secret().as_bytes();
        let outside = outside.into_iter().map(|issuer| Outside::new(issuer, &clock));
        let outside = outside.collect::<Result<_, IssuerError>>()?;
        let (signing, shared) = (EncodingKey::from_secret(secret), Key::shared(secret, trusted_issuers));
        Ok(Self { signing, shared, outside, audience, lifetime, clock })
    }

    async fn check(&self, token: &str) -> Result<Subject, TokenError> {
        if token.len() > TOKEN_BYTES {
            return Err(invalid("is too long"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(unreadable)?;
        keys::check_header(&header).map_err(invalid)?;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the library's enum: only the listed algorithms pass"
        )]
        match header.alg {
            Algorithm::HS256 => self.accept(&self.shared, token),
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => {
                // The token is not verified yet: the name only selects the issuer whose keys verify it.
                let issuer = claims::claimed_issuer(token).map_err(unreadable)?;
                let outside = self.outside.iter().find(|outside| Some(&outside.name) == issuer.as_ref());
                let outside = outside.ok_or_else(|| invalid("names an issuer that is not trusted"))?;
                self.accept(&*outside.key(header.kid.as_deref()).await?, token)
            }
            _ => Err(invalid("is signed with an algorithm that is not allowed")),
        }
    }

    fn accept(&self, key: &Key, token: &str) -> Result<Subject, TokenError> {
        let claims = key.open(token).map_err(unreadable)?;
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
        self.check(&token).await
    }
}

impl TokenIssuer for JwtIdentity {
    #[expect(clippy::disallowed_methods, reason = "the id of a token is not an id of the engine")]
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

fn invalid(reason: Rejection) -> TokenError {
    TokenError::Invalid(format!("it {reason}").into())
}

/// An error of the library. Its message is left out if it may quote the token.
fn unreadable(error: Error) -> TokenError {
    if matches!(error.kind(), ErrorKind::Json(_)) {
        return invalid("holds claims that cannot be read");
    }
    TokenError::Invalid(error.into())
}
