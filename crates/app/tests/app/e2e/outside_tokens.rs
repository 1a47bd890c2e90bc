//! Tokens of an outside issuer with its own keys (C-21).

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use testkit::KeyServer;
use testkit::outside_issuer::{ED25519_KEY, P256_KEY, Published, RSA_KEY};

use crate::support::{Answer, App, JWT_SECRET, Store, User, on_both_stores, on_sqlite_alone};

on_both_stores!(
    tokens_of_published_keys_are_accepted,
    an_outside_subject_is_never_a_local_user,
    an_email_address_links_no_accounts,
);
on_sqlite_alone!(
    a_public_key_can_be_read_from_a_file,
    forged_tokens_are_refused,
    unknown_keys_cost_one_fetch,
    while_the_keys_cannot_be_fetched_only_outside_tokens_get_503,
);

const ISSUER: &str = "https://issuer.example";

/// A key of an issuer.
struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
    name: &'static str,
}

impl Signer {
    fn rsa() -> Self {
        let key = EncodingKey::from_rsa_pem(RSA_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::RS256, name: "rsa" }
    }

    fn p256() -> Self {
        let key = EncodingKey::from_ec_pem(P256_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::ES256, name: "p256" }
    }

    fn ed25519() -> Self {
        let key = EncodingKey::from_ed_pem(ED25519_KEY.as_bytes()).unwrap();
        Self { key, algorithm: Algorithm::EdDSA, name: "ed25519" }
    }

    /// An unknown key with the id of a known one.
    fn stranger() -> Self {
        let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        der.extend([7; 32]);
        Self { key: EncodingKey::from_ed_der(&der), algorithm: Algorithm::EdDSA, name: "ed25519" }
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.name.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.name.to_owned()), ..Header::new(self.algorithm) }
    }

    /// A token of this subject, with these further claims.
    fn token(&self, sub: &Value, more: &Value) -> String {
        self.token_with(&self.header(), sub, more)
    }

    fn token_with(&self, header: &Header, sub: &Value, more: &Value) -> String {
        jsonwebtoken::encode(header, &claims(sub, more), &self.key).unwrap()
    }
}

fn claims(sub: &Value, more: &Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({"iss": ISSUER, "sub": sub, "exp": now + 600});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn issuer() -> KeyServer {
    let signers = [Signer::rsa(), Signer::p256(), Signer::ed25519()];
    KeyServer::start(json!({"keys": signers.map(|signer| signer.public())})).await
}

/// The application, which trusts the issuer behind this server.
async fn app(store: Store, issuer: &KeyServer) -> App {
    App::start_with(store, &[("JWT_ISSUER", ISSUER), ("JWT_JWKS_URL", &issuer.url())]).await
}

/// C-21
async fn tokens_of_published_keys_are_accepted(store: Store) {
    let issuer = issuer().await;
    let app = app(store, &issuer).await;
    assert_eq!(issuer.calls(), 0, "nobody needs the keys yet");
    let sub = json!("6f0e0c1a-3d55-4c43-9a47-3d3d0a6c7f10");
    let mut ids = Vec::new();
    for signer in [Signer::rsa(), Signer::p256(), Signer::ed25519()] {
        ids.push(app.me(&signer.token(&sub, &json!({}))).await.ok()["id"].clone());
    }
    assert_eq!((&ids[0], &ids[1]), (&ids[1], &ids[2]), "one subject is one user, whichever key signs");
    let other = app.me(&Signer::rsa().token(&json!("another"), &json!({}))).await.ok();
    assert_ne!(other["id"], ids[0]);
    assert_eq!(issuer.calls(), 1);
}

async fn a_public_key_can_be_read_from_a_file(store: Store) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let x = Signer::ed25519().public()["x"].as_str().unwrap().replace('-', "+").replace('_', "/");
    let pem = format!("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA{x}=\n-----END PUBLIC KEY-----\n");
    std::fs::write(&file, pem).unwrap();
    let settings = [("JWT_ISSUER", ISSUER), ("JWT_PUBLIC_KEY_FILE", file.to_str().unwrap())];
    let app = App::start_with(store, &settings).await;
    app.me(&Signer::ed25519().token(&json!("alice"), &json!({}))).await.ok();
    for other in [Signer::stranger(), Signer::p256(), Signer::rsa()] {
        app.me(&other.token(&json!("alice"), &json!({}))).await.is_error(401, "invalid_token");
    }
}

/// The same user with another token.
fn with_token(user: &User, token: String) -> User {
    let mut other = user.clone();
    other.token = token;
    other
}

/// C-21
async fn an_outside_subject_is_never_a_local_user(store: Store) {
    let issuer = issuer().await;
    let app = app(store, &issuer).await;
    let ann = app.user("ann").await;
    let conversation = ann.conversation().await;
    let shared = {
        let claims = claims(&json!(ann.id), &json!({"iss": null}));
        let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
        jsonwebtoken::encode(&Header::default(), &claims, &key).unwrap()
    };
    let mut ids = vec![ann.id, app.me(&shared).await.ok()["id"].as_i64().unwrap()];
    let outside = Signer::p256().token(&json!(ann.id), &json!({}));
    ids.push(app.me(&outside).await.ok()["id"].as_i64().unwrap());
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2], "{ids:?}");
    // A subject as a number and as text is the same outside user.
    let as_text = Signer::p256().token(&json!(ann.id.to_string()), &json!({}));
    assert_eq!(app.me(&as_text).await.ok()["id"], json!(ids[2]));

    let outside = with_token(&ann, outside);
    outside.get(&format!("/conversations/{conversation}")).await.is_error(404, "conversation_not_found");
    outside.say(&conversation, "hello").await.is_error(404, "conversation_not_found");
    outside.delete(&format!("/conversations/{conversation}")).await.is_error(404, "conversation_not_found");
    assert_eq!(outside.get("/conversation").await.ok(), json!([]));
    let own = outside.conversation().await;
    ann.get(&format!("/conversations/{own}")).await.is_error(404, "conversation_not_found");
}

async fn an_email_address_links_no_accounts(store: Store) {
    let issuer = issuer().await;
    let app = app(store, &issuer).await;
    let body = json!({"email": "ann@example.com", "password": "password123"});
    let ann = app.http.post(format!("{}/auth/register", app.url)).json(&body).send().await.unwrap();
    let ann = Answer::read(ann).await.ok();
    for verified in [json!(true), json!(false), json!("true"), json!(null)] {
        let more =
            json!({"email": "ann@example.com", "email_verified": verified, "preferred_username": "ann"});
        let outside = app.me(&Signer::ed25519().token(&json!("ann@example.com"), &more)).await.ok();
        assert_ne!(outside["id"], ann["id"]);
        assert_eq!(outside["email"], json!(null));
    }
}

/// Threat 19, Threat 20, Threat 21
async fn forged_tokens_are_refused(store: Store) {
    let issuer = issuer().await;
    let app = app(store, &issuer).await;
    let ann = app.user("ann").await;
    let (sub, none) = (json!(ann.id), json!({}));
    app.me(&Signer::ed25519().token(&sub, &none)).await.ok();

    // A second issuer with valid keys, which is not trusted.
    let stranger = Signer::stranger();
    let second = KeyServer::start(json!({"keys": [stranger.public()]})).await;
    let base64 = |value: &Value| {
        let key = EncodingKey::from_secret(b"any");
        jsonwebtoken::encode(&Header::default(), value, &key).unwrap().split('.').nth(1).unwrap().to_owned()
    };
    let unsigned = |alg: &str| {
        let header = base64(&json!({"alg": alg, "typ": "JWT", "kid": "ed25519"}));
        format!("{header}.{}.", base64(&claims(&sub, &none)))
    };
    let published = Signer::rsa().public()["n"].as_str().unwrap().to_owned();
    let confused = Header { kid: Some("rsa".to_owned()), ..Header::new(Algorithm::HS256) };
    let named = |kid: &str| {
        let header = Header { kid: Some(kid.to_owned()), ..Signer::ed25519().header() };
        Signer::ed25519().token_with(&header, &sub, &none)
    };
    let jwk: Jwk = serde_json::from_value(stranger.public()).unwrap();
    let forged = [
        ("a second issuer", stranger.token(&sub, &json!({"iss": second.url()}))),
        ("a second issuer's key", stranger.token(&sub, &none)),
        ("another name", Signer::rsa().token(&sub, &json!({"iss": "https://issuer.example.evil.example"}))),
        ("our name", Signer::ed25519().token(&sub, &json!({"iss": "omnichat"}))),
        ("the shared name", Signer::ed25519().token(&sub, &json!({"iss": "shared"}))),
        ("no name", Signer::ed25519().token(&sub, &json!({"iss": null}))),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("no signature", unsigned("EdDSA")),
        ("HS256 with the public key", {
            let key = EncodingKey::from_secret(published.as_bytes());
            jsonwebtoken::encode(&confused, &claims(&sub, &none), &key).unwrap()
        }),
        ("HS256 with our secret in its name", {
            let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
            jsonwebtoken::encode(&Header::default(), &claims(&sub, &none), &key).unwrap()
        }),
        ("kid of a file", named("../../dev/null")),
        ("kid of SQL", named("' OR 1=1--")),
        ("kid of 9 kB", named(&"k".repeat(9_000))),
        ("kid of another kind of key", named("rsa")),
        ("jku", {
            let header = Header { jku: Some(second.url()), ..stranger.header() };
            stranger.token_with(&header, &sub, &none)
        }),
        ("x5u", {
            let header = Header { x5u: Some(second.url()), ..stranger.header() };
            stranger.token_with(&header, &sub, &none)
        }),
        ("jwk", stranger.token_with(&Header { jwk: Some(jwk), ..stranger.header() }, &sub, &none)),
        ("exp as text", Signer::ed25519().token(&sub, &json!({"exp": "99999999999"}))),
        ("no exp", Signer::p256().token(&sub, &json!({"exp": null}))),
        ("an ID token", Signer::p256().token(&sub, &json!({"token_use": "id"}))),
    ];
    for (what, token) in forged {
        let answer = app.me(&token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        answer.is_error(401, "invalid_token");
    }
    app.me(&Signer::ed25519().token(&sub, &json!({"exp": 1}))).await.is_error(401, "token_expired");
    assert_eq!((issuer.calls(), second.calls()), (1, 0));
}

async fn unknown_keys_cost_one_fetch(store: Store) {
    let issuer = issuer().await;
    let app = app(store, &issuer).await;
    let signer = Signer::stranger();
    for number in 0..200 {
        let header = Header { kid: Some(format!("key-{number}")), ..signer.header() };
        let token = signer.token_with(&header, &json!("alice"), &json!({}));
        app.me(&token).await.is_error(401, "invalid_token");
    }
    app.me(&Signer::ed25519().token(&json!("alice"), &json!({}))).await.ok();
    assert_eq!(issuer.calls(), 1);
}

async fn while_the_keys_cannot_be_fetched_only_outside_tokens_get_503(store: Store) {
    let issuer = issuer().await;
    issuer.publish(Published::Answer(503, String::new()));
    let app = app(store, &issuer).await;
    for _ in 0..3 {
        let answer = app.me(&Signer::ed25519().token(&json!("alice"), &json!({}))).await;
        answer.is_error(503, "identity_unavailable");
        let retry_after: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&retry_after), "{retry_after}");
        assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    }
    assert_eq!(issuer.calls(), 1);
    let ann = app.user("ann").await;
    ann.get("/auth/me").await.ok();
    // A token that cannot be the issuer's is refused as usual.
    app.me(&Signer::ed25519().token(&json!("alice"), &json!({"iss": "https://second.example"})))
        .await
        .is_error(401, "invalid_token");
}
