//! An outside issuer with its keys, and a service that trusts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use domain::Timestamp;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use omnichat_identity::{JwtIdentity, OutsideIssuer, OutsideKeys, PublicKey, TokenSettings};
use ports::{Clock, Issuer, Subject, TokenError, TokenVerifier};
use serde_json::{Value, json};
use testkit::KeyServer;
use testkit::outside_issuer::{ED25519_KEY, P256_KEY, RSA_KEY};

pub(crate) const SECRET: &str = "a secret of the tests, long enough for HS256";
pub(crate) const ISSUER: &str = "https://issuer.example";
/// The time at which the tests begin, in unix seconds.
pub(crate) const NOW: i64 = 1_800_000_000;

/// A clock that a test moves.
pub(crate) struct MovedClock(AtomicI64);

impl MovedClock {
    pub(crate) fn move_by(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

/// A key of an issuer.
pub(crate) struct Signer {
    pub(crate) key: EncodingKey,
    pub(crate) algorithm: Algorithm,
    pub(crate) name: &'static str,
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        let key = EncodingKey::from_rsa_pem(RSA_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::RS256, name: "rsa" }
    }

    pub(crate) fn p256() -> Self {
        let key = EncodingKey::from_ec_pem(P256_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::ES256, name: "p256" }
    }

    pub(crate) fn ed25519() -> Self {
        let key = EncodingKey::from_ed_pem(ED25519_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::EdDSA, name: "ed25519" }
    }

    /// An Ed25519 key that is made of one repeated byte.
    pub(crate) fn of_byte(byte: u8, name: &'static str) -> Self {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend([byte; 32]);
        Self { key: EncodingKey::from_ed_der(&der), algorithm: Algorithm::EdDSA, name }
    }

    /// The public key, as it is published.
    pub(crate) fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.name.to_owned());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        serde_json::to_value(jwk).unwrap()
    }

    /// The header of its tokens.
    pub(crate) fn header(&self) -> Header {
        Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm) }
    }

    /// A token of alice, with these claims on top.
    pub(crate) fn token(&self, more: &Value) -> String {
        self.token_with(&self.header(), more)
    }

    pub(crate) fn token_with(&self, header: &Header, more: &Value) -> String {
        jsonwebtoken::encode(header, &claims(more), &self.key).unwrap()
    }
}

/// Claims that pass for a week, with these on top.
pub(crate) fn claims(more: &Value) -> Value {
    let mut claims = json!({ "iss": ISSUER, "sub": "alice", "exp": NOW + 7 * 86_400 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

/// A value encoded as a part of a token, by the library itself.
pub(crate) fn encoded(value: &Value) -> String {
    let token = jsonwebtoken::encode(&Header::default(), value, &EncodingKey::from_secret(b"any")).unwrap();
    token.split('.').nth(1).unwrap().to_owned()
}

/// These keys, as they are published.
pub(crate) fn key_set(keys: &[&Signer]) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
    json!({ "keys": keys })
}

/// A service that trusts outside issuers.
pub(crate) struct Service {
    pub(crate) identity: Arc<JwtIdentity>,
    pub(crate) clock: Arc<MovedClock>,
}

impl Service {
    pub(crate) fn trusting(outside: Vec<OutsideIssuer>) -> Self {
        let settings = TokenSettings {
            secret: SECRET.into(),
            audience: None,
            lifetime: Duration::from_hours(1),
            trusted_issuers: Vec::new(),
            outside,
        };
        let clock = Arc::new(MovedClock(AtomicI64::new(NOW)));
        let identity = Arc::new(JwtIdentity::new(settings, clock.clone()).unwrap());
        Self { identity, clock }
    }

    /// A service that trusts [`ISSUER`], whose keys are published by this server.
    pub(crate) fn over(server: &KeyServer) -> Self {
        Self::trusting(vec![published(ISSUER, server)])
    }

    pub(crate) async fn verify(&self, token: impl Into<String>) -> Result<Subject, TokenError> {
        self.identity.verify(token.into()).await
    }

    /// The subject of a token that passes.
    #[track_caller]
    pub(crate) fn passes(&self, token: String) -> impl Future<Output = Subject> + use<> {
        let (caller, identity) = (std::panic::Location::caller(), Arc::clone(&self.identity));
        async move { identity.verify(token).await.unwrap_or_else(|error| panic!("{caller}: {error:?}")) }
    }

    #[track_caller]
    pub(crate) fn is_refused(&self, token: String) -> impl Future<Output = ()> + use<> {
        let (caller, identity) = (std::panic::Location::caller(), Arc::clone(&self.identity));
        async move {
            let answer = identity.verify(token).await;
            assert!(matches!(answer, Err(TokenError::Invalid(_))), "{caller}: {answer:?}");
        }
    }

    /// Checks that the token cannot be checked now; returns after how long to try again.
    #[track_caller]
    pub(crate) fn is_unavailable(&self, token: String) -> impl Future<Output = Duration> + use<> {
        let (caller, identity) = (std::panic::Location::caller(), Arc::clone(&self.identity));
        async move {
            match identity.verify(token).await {
                Err(TokenError::Unavailable { retry_after, .. }) => retry_after,
                answer => panic!("{caller}: {answer:?}"),
            }
        }
    }
}

pub(crate) fn published(name: &str, server: &KeyServer) -> OutsideIssuer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let keys = OutsideKeys::Published(server.url().parse().unwrap());
    OutsideIssuer { name: name.to_owned(), keys }
}

pub(crate) fn fixed(name: &str, pem: &str) -> OutsideIssuer {
    let keys = OutsideKeys::Fixed(PublicKey::from_pem(pem).unwrap());
    OutsideIssuer { name: name.to_owned(), keys }
}

pub(crate) fn outside(subject: &Subject) -> (&str, &str) {
    let Issuer::Outside(issuer) = &subject.issuer else { panic!("{subject:?}") };
    (issuer, &subject.subject)
}

/// Waits until the server has received this many requests.
pub(crate) async fn calls_reach(server: &KeyServer, calls: usize) {
    let reached = async {
        while server.calls() < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
}
